"""The exponential moving average of weights (Polyak and Juditsky 1992)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor


class WeightAverage:
    """The average of weights over the steps of a training.

    Args:
        weights: that are averaged, by name; the average begins with them.
        decay: how much of it is left after a step; less in the first ones, so that the weights
            of the beginning are forgotten: at most ``(1 + n) / (10 + n)`` at the n-th.
    """

    def __init__(self, weights: Mapping[str, Tensor], decay: float) -> None:
        self.weights = weights
        self.decay = decay
        self.steps = 0
        self.averages = {name: value.detach().clone() for name, value in weights.items()}

    def update(self) -> None:
        """Take the weights of another step in."""
        share = 1 - min(self.decay, (1 + self.steps) / (10 + self.steps))
        self.steps += 1
        with torch.no_grad():
            torch._foreach_lerp_(
                list(self.averages.values()), [w.detach() for w in self.weights.values()], share
            )

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Within, the weights are the averages."""
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    def _exchange(self) -> None:
        with torch.no_grad():
            for name, average in self.averages.items():
                weight = self.weights[name]
                kept = weight.detach().clone()
                weight.copy_(average)
                average.copy_(kept)
