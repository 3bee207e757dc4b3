"""How a budget is told to a network: K knots, and linear interpolation between them.

Guo et al. 2022, Sec. 3.1.2: K budgets, evenly spaced over the range of latencies, have embeddings
of their own; every other budget's embedding is interpolated linearly between its two neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nasprof.errors import UsageError
from nasprof.reader import LONGEST_MS, brief
from nasprof.typing import Array

Spacing: TypeAlias = Literal["even", "log"]


@dataclass(frozen=True)
class BudgetScale:
    """The budgets that have embeddings of their own.

    Args:
        knots_ms: in ascending order, ``(K,)``, K at least 1.

    Raises:
        UsageError: they are no such times.
    """

    knots_ms: Array

    def __post_init__(self) -> None:
        knots_ms = self.knots_ms
        ascending = len(knots_ms) and knots_ms[0] > 0 and (np.diff(knots_ms) > 0).all()
        if not (ascending and knots_ms[-1] <= LONGEST_MS):
            raise UsageError(
                f"budgets are {brief(knots_ms.tolist())} ms, expected ascending ones above 0"
            )

    @classmethod
    def spanning(cls, min_ms: float, max_ms: float, knots: int, spacing: Spacing) -> BudgetScale:
        """``knots`` budgets from the least latency to the largest.

        Args:
            spacing: ``even`` differences, as published, or even ratios (``log``).
        """
        if spacing not in ("even", "log"):
            raise UsageError(f"spacing is {spacing!r}, expected 'even' or 'log'")
        if knots == 1:
            return cls(np.array([(min_ms + max_ms) / 2]))
        space = np.linspace if spacing == "even" else np.geomspace
        # geomspace may miss its ends by rounding, and the fastest network would not meet the first.
        return cls(space(min_ms, max_ms, knots).clip(min_ms, max_ms))

    def __len__(self) -> int:
        return len(self.knots_ms)

    def draw(self, n: int, spacing: Spacing, rng: np.random.Generator) -> Array:
        """Random budgets, one in each of ``n`` equal parts of the range, and its ends: ``(n,)``.

        One alone may lie anywhere.
        """
        shares = (np.arange(n) + rng.random(n)) / n
        if n > 1:
            shares[0], shares[-1] = 0.0, 1.0
        first, last = self.knots_ms[[0, -1]]
        if spacing == "log":
            budgets_ms: Array = first * (last / first) ** shares
        else:
            budgets_ms = first + shares * (last - first)
        return budgets_ms.clip(first, last)

    def weights(self, budgets_ms: Array) -> NDArray[np.float32]:
        """Weight of each knot for each budget, at most two of them not 0: ``(n, K)``.

        Budgets outside the range are answered as its ends.
        """
        unit = np.eye(len(self.knots_ms))
        columns = [np.interp(budgets_ms, self.knots_ms, column) for column in unit]
        return np.stack(columns, 1).astype(np.float32)
