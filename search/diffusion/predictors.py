"""Predictors of noisy architectures, and what their gradients guide towards.

Lomurno et al. 2024 (POMONAG), Sec. 3.1 and 3.3: one predictor of each objective, told the level of
noise. Here they are outputs of one network, and say *normal scores*: how many standard deviations
a value is from the middle, by its rank. Weights are then in nats for a standard deviation, and
mean the same for accuracies, parameters and milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nasprof.errors import UsageError
from nasprof.registry import near_names
from nasprof.typing import Array
from search.diffusion.process import Guide


@dataclass(frozen=True)
class Target:
    """A score that each particle of its own is drawn towards.

    Args:
        scores: of the objective, to be minimised, ``(n,)``.
        weight: nats for a squared standard deviation.
    """

    scores: Array
    weight: float


@dataclass(frozen=True)
class Guidance:
    """What drawing is bent towards: POMONAG, Sec. 3.1, Eq. 4.

    Args:
        weights: nats for a standard deviation of each objective by name, for less of what is
            minimised and more of what is maximised; negative ones for the contrary.
        targets: by name.
    """

    weights: Mapping[str, float] = field(default_factory=dict)
    targets: Mapping[str, Target] = field(default_factory=dict)

    def __getitem__(self, rows: NDArray[np.intp]) -> Guidance:
        """That of some of the particles."""
        targets = {
            name: Target(target.scores[rows], target.weight)
            for name, target in self.targets.items()
        }
        return Guidance(self.weights, targets)

    def guide(self, network: torch.nn.Module, names: Sequence[str]) -> Guide | None:
        """The gradient of what is wished; None where nothing is.

        Args:
            network: predicts scores to be minimised, ``(n, len(names))``.

        Raises:
            UsageError: there is no such objective.
        """
        for name in (*self.weights, *self.targets):
            if name not in names:
                raise UsageError(f"there is no objective {name!r}", near_names(name, names))
        if not any(self.weights.values()) and not self.targets:
            return None
        weights = torch.tensor([self.weights.get(name, 0.0) for name in names])
        targets = [
            (names.index(name), torch.from_numpy(target.scores.astype(np.float32)), target.weight)
            for name, target in self.targets.items()
        ]

        def gradient(noisy: Tensor, levels: Tensor) -> Tensor:
            inputs = noisy.detach().requires_grad_()
            scores = network(inputs, levels)
            nats = -(scores @ weights).sum()
            for column, wanted, weight in targets:
                nats = nats - weight / 2 * ((scores[:, column] - wanted) ** 2).sum()
            (slope,) = torch.autograd.grad(nats, inputs)
            by_inputs: Tensor = slope
            return by_inputs

        return gradient
