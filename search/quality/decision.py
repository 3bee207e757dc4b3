"""Which of a front to take if nobody says what matters more: by trade-off, and by knee."""

from __future__ import annotations

import numpy as np

from nasprof.typing import Array, Flags, Indices

RADIUS = 0.125
"""Of a neighbourhood, where every objective ranges from 0 to 1 over the front."""
_NEAREST = 2
"""Neighbours for each objective at least, however far away."""
_OUTLYING = 3.0
"""Standard deviations above the mean from which on a trade-off is preferred."""
_ROUNDING = 1 + 1e-9


def trade_off(values: Array) -> Array:
    """How bad an exchange it can be to leave each solution for one of its neighbours: ``(n,)``.

    The largest over the neighbours of the average loss in the objectives that get worse by the
    average gain in those that get better (NAT, Lu et al. 2021, Eq. 5, after Rachmawati and
    Srinivasan 2009); 0 where no exchange gains anything. Neighbours are all within
    :data:`RADIUS`, or else the two nearest for each objective.

    Args:
        values: objectives to be minimised of a front, ``(n, n_objectives)``.
    """
    distinct, inverse = np.unique(values, axis=0, return_inverse=True)
    scaled = _scaled(distinct)
    worst = np.array([_worst_exchange(scaled - row) for row in scaled], np.float64)
    exchanges: Array = worst[inverse.reshape(-1)]
    return exchanges


def preferred(values: Array) -> Indices:
    """Those whose trade-off exceeds the mean by three standard deviations, best first.

    Of equal solutions the first stands for all. Where none exceeds it, as always among ten or
    fewer, the one with the largest trade-off.

    Args:
        values: objectives to be minimised of a front, ``(n, n_objectives)``.
    """
    distinct, firsts = np.unique(values, axis=0, return_index=True)
    if len(distinct) == 0:
        return firsts
    exchanges = trade_off(distinct)
    order = np.argsort(-exchanges, kind="stable")
    beyond = exchanges[order] > exchanges.mean() + _OUTLYING * exchanges.std()
    chosen: Indices = firsts[order[beyond] if beyond.any() else order[:1]]
    return chosen


def knee(values: Array) -> int:
    """The solution farthest from the hyperplane through the extremes, towards the ideal.

    Das 1999, with every objective ranging from 0 to 1 over the front. The extremes are the best
    in each objective; where no plane through them faces the ideal, the plane through the worst
    corners of the axes takes its place. Of equal solutions the first is meant.

    Args:
        values: objectives to be minimised of a front, ``(n, n_objectives)``.

    Raises:
        ValueError: there are no solutions.
    """
    if len(values) == 0:
        raise ValueError("a front without solutions has no knee")
    distinct, firsts = np.unique(values, axis=0, return_index=True)
    scaled = _scaled(distinct)
    scaled = scaled[:, np.ptp(scaled, axis=0) > 0]
    heights = (scaled * _normal(scaled)).sum(1)
    # Differences within rounding are none: of points equally far, always the same is taken.
    return int(firsts[np.flatnonzero(heights <= heights.min(initial=np.inf) + 1e-12)[0]])


def _scaled(values: Array) -> Array:
    """Objectives from 0, the best on the front, to 1, the worst; 0 where all are equal."""
    ranges = np.ptp(values, axis=0) if len(values) else np.ones(values.shape[1])
    least = values.min(0, initial=np.inf)
    scaled: Array = (values - least) / np.where(ranges > 0, ranges, 1.0)
    return scaled


def _worst_exchange(changes: Array) -> float:
    """The largest loss for a gain among changes ``(n, n_objectives)`` to all solutions."""
    near = changes[_near(changes)]
    losses = _mean_of_positive(near)
    gains = _mean_of_positive(-near)
    gained = gains > 0
    return float((losses[gained] / gains[gained]).max(initial=0.0))


def _near(changes: Array) -> Flags:
    """Which solutions are neighbours; as many as are equally near as the last of them."""
    distances = np.sqrt((changes**2).sum(1))
    # The solution itself is the nearest of all, and no exchange.
    nearest = min(_NEAREST * changes.shape[1], len(changes) - 1)
    reach = max(RADIUS, np.partition(distances, nearest)[nearest])
    within: Flags = distances <= reach * _ROUNDING
    return within


def _mean_of_positive(changes: Array) -> Array:
    """The mean of what is above 0 in each row; 0 where nothing is."""
    number = np.maximum((changes > 0).sum(1), 1)
    means: Array = np.maximum(changes, 0).sum(1) / number
    return means


def _normal(scaled: Array) -> Array:
    """Normal of the plane through the extremes, which holds what times it sums to 1."""
    n_objectives = scaled.shape[1]
    best = [np.lexsort((scaled.sum(1), scaled[:, number]))[0] for number in range(n_objectives)]
    extremes = scaled[best]
    if n_objectives and np.linalg.cond(extremes) < 1e6:
        normal: Array = np.linalg.solve(extremes, np.ones(n_objectives)).astype(np.float64)
        if (normal > 0).all():
            return normal
    return np.ones(n_objectives)
