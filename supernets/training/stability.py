"""Trainings that diverge: how it is noticed, and what they are set back to."""

from __future__ import annotations

from math import log
from statistics import median

_BEFORE, _RECENT, _LATEST = 200, 20, 5
"""Steps whose median loss is compared with that of the most recent ones."""
_LEAST = 0.1
"""Share of the loss of guessing by which it rises at least."""
MAX_ROLLBACKS = 6
SLOWER = 0.5
"""By how much the learning rate is lowered where a training is set back."""


class DivergenceWatch:
    """Compares the losses of the last steps with those before.

    Args:
        multiple: of the median before, above which the median of the last ones is divergence;
            None for never.
        classes: of the data; guessing among them costs their logarithm.
    """

    def __init__(self, multiple: float | None, classes: int) -> None:
        self.multiple = multiple
        self.least = _LEAST * log(max(classes, 2))
        self.losses: list[float] = []

    @property
    def is_on(self) -> bool:
        """Whether divergence is looked for."""
        return self.multiple is not None

    def add(self, loss: float) -> None:
        """The loss of another step."""
        self.losses = [*self.losses[1 - _BEFORE - _RECENT :], loss]

    def forget(self) -> None:
        """From now on other networks are trained, whose losses are others."""
        self.losses = []

    @property
    def _medians(self) -> tuple[float, float] | None:
        """Median loss before and of the last steps; None while there are too few."""
        if len(self.losses) < 2 * _RECENT:
            return None
        return median(self.losses[:-_RECENT]), median(self.losses[-_RECENT:])

    @property
    def diverges(self) -> bool:
        """Whether the loss has risen for good."""
        if self.multiple is None or self._medians is None:
            return False
        before, now = self._medians
        return now > self.multiple * before and now > before + self.least

    @property
    def is_calm(self) -> bool:
        """Whether the loss is no higher than before, so that this is a state to go back to."""
        if self._medians is None:
            return False
        before, now = self._medians
        return now <= 1.1 * before and median(self.losses[-_LATEST:]) <= 1.5 * before
