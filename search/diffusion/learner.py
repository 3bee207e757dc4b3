"""Training of one network: AdamW along one cycle, and a moving average of its weights."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from math import cos, pi

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nasprof.compiler_cache import no_compiler_cache
from nasprof.errors import NasprofError

WARMING = 0.1
"""Share of the steps in which the rate rises."""
CLIPPED = 1.0
"""Largest norm of a gradient."""
AVERAGE = 0.995
WEIGHT_DECAY = 1e-2


class Learner:
    """A network in training, and the average of its weights that is used.

    Args:
        network: it is trained in place.
        rate: the highest learning rate.
    """

    def __init__(self, network: nn.Module, rate: float) -> None:
        self.network = network
        self.average = copy.deepcopy(network).requires_grad_(False)
        self.rate = rate
        self.steps = 0
        with no_compiler_cache():
            self.optimizer = torch.optim.AdamW(
                network.parameters(), rate, weight_decay=WEIGHT_DECAY, foreach=True
            )

    def step(self, loss: Tensor, share: float) -> None:
        """One step down ``loss``.

        Args:
            share: of the cycle that is over after it, above 0 and at most 1.

        Raises:
            NasprofError: the loss is no number.
        """
        if not bool(torch.isfinite(loss)):
            raise NasprofError(
                f"the training broke down: its loss was {float(loss)} after {self.steps} steps",
                "Take a lower learning rate: --set learning_rate=0.0005.",
            )
        rising = min(1.0, share / WARMING)
        falling = (1 + cos(pi * max(0.0, share - WARMING) / (1 - WARMING))) / 2
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate * (rising if rising < 1 else 0.005 + 0.995 * falling)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), CLIPPED, foreach=True)
        self.optimizer.step()
        self.steps += 1
        kept = min(AVERAGE, (1 + self.steps) / (10 + self.steps))
        with torch.no_grad():
            averages, weights = list(self.average.parameters()), list(self.network.parameters())
            torch._foreach_lerp_(averages, [weight.detach() for weight in weights], 1 - kept)


def seeded(seed: int) -> torch.Generator:
    """A source of randomness of torch."""
    return torch.Generator().manual_seed(seed)


Arrays = Mapping[str, NDArray[np.generic]]
