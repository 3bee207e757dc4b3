"""Pareto front filtering, and the three configurations that are picked from each front.

Lomurno et al. 2024, Sec. 3.4 and 4.3: for each secondary metric the front of it and accuracy, and
of that front the most accurate (Acc), the one of the best ratio of accuracy to cost (Bal), and the
cheapest (Eff). Where costs vary more than accuracies do, Bal lies near Eff.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nasprof.typing import Array, Indices
from search.quality.indicators import non_dominated


@dataclass(frozen=True)
class Picks:
    """Numbers of three architectures.

    Args:
        acc: the most accurate.
        bal: of the best ratio of accuracy to cost.
        eff: the cheapest.
    """

    acc: int
    bal: int
    eff: int


def front_by(values: Array, cost: int) -> Indices:
    """Numbers of those that nothing is both better and cheaper than, the cheapest first.

    Args:
        values: to be minimised, the primary objective first: ``(n, n_objectives)``.
        cost: column of the secondary metric.
    """
    return non_dominated(values[:, [0, cost]])


def picks_by(values: Array, cost: int) -> Picks | None:
    """The three of the front by one secondary metric, by what is predicted; None of nothing.

    Args:
        values: as of :func:`front_by`.
    """
    front = front_by(values, cost)
    if not len(front):
        return None
    accuracy, costs = -values[front, 0], values[front, cost]
    ratio = accuracy / np.where(costs > 0, costs, np.nan)
    balanced = int(np.nanargmax(ratio)) if np.isfinite(ratio).any() else 0
    return Picks(int(front[accuracy.argmax()]), int(front[balanced]), int(front[costs.argmin()]))
