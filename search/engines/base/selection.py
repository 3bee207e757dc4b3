"""Which of many predicted architectures to evaluate next, beside those that were evaluated."""

from __future__ import annotations

import numpy as np

from nasprof.typing import Array, Indices
from search.engines.base.population import survivors
from search.quality.indicators import non_dominated
from search.quality.ranking import evaluated, violation

_BEYOND = 0.1
"""How far beyond the front's range the corner of hypervolumes lies, as a share of it."""


def most_promising(predicted: Array, values: Array, worst: Array, n: int) -> Indices:
    """Rows of the ``n`` that are expected to improve the front most, together.

    Of two objectives, one after the other, each that adds most hypervolume to what was evaluated
    and to those chosen before (greedy subset selection; Guerreiro et al. 2016, Sec. 3). Of more,
    each that lies farthest from these among what nothing dominates. Of one, the least. Fewer where
    no more are expected to improve anything.

    Args:
        predicted: objectives to be minimised, ``(n_predicted, n_objectives)``.
        values: what was evaluated, ``(m, n_objectives)``.
        worst: largest allowed value of each, or inf: ``(n_objectives,)``.
    """
    hopeful = np.flatnonzero(violation(predicted, worst) == 0)
    known = values[evaluated(values) & (violation(values, worst) == 0)]
    if len(hopeful) == 0 or len(known) == 0:
        return survivors(predicted, worst, n)
    points, front = _scaled(predicted[hopeful], known)
    choose = {1: _by_value, 2: _by_hypervolume}.get(len(worst), _by_distance)
    return hopeful[choose(points, front, n)]


def _scaled(predicted: Array, known: Array) -> tuple[Array, Array]:
    """Both, with 0 for the least of each objective and 1 for the worst on the known front.

    Returns:
        All predictions, and the front of what is known.
    """
    front = known[non_dominated(known)]
    low = np.minimum(predicted.min(0), front.min(0))
    span = front.max(0) - low
    span = np.where(span > 0, span, 1.0)
    return (predicted - low) / span, (front - low) / span


def _by_value(points: Array, front: Array, n: int) -> list[int]:
    """Rows of up to ``n`` of the points ``(k, 1)`` below the front, which is one number."""
    order = np.argsort(points[:, 0], kind="stable")[:n]
    chosen: list[int] = order[points[order, 0] < front.min()].tolist()
    return chosen


def _by_hypervolume(points: Array, front: Array, n: int) -> list[int]:
    """Rows of up to ``n`` of the points ``(k, 2)``, as long as any adds to the hypervolume."""
    chosen: list[int] = []
    left = np.arange(len(points))
    while len(chosen) < n:
        gains = added_hypervolume(points[left], front, 1 + _BEYOND)
        # What adds nothing now never will.
        left, gains = left[gains > 0], gains[gains > 0]
        if len(left) == 0:
            break
        chosen.append(int(left[gains.argmax()]))
        front = np.concatenate([front, points[chosen[-1:]]])
        front = front[non_dominated(front)]
    return chosen


def added_hypervolume(points: Array, front: Array, corner: float) -> Array:
    """The area that each point ``(k, 2)`` dominates, ``front`` does not, up to a corner: ``(k,)``.

    Args:
        front: not dominated by each other, ``(m, 2)``.
        corner: of both objectives.
    """
    order = np.argsort(front[:, 0])
    first, second = front[order].T
    # Between neighbours on the front, what is above its second objective is dominated already.
    edges = np.concatenate([[-np.inf], np.minimum(first, corner), [corner]])
    heights = np.concatenate([[corner], np.minimum(second, corner)])
    added = np.zeros(len(points))
    for begin, end, height in zip(edges[:-1], edges[1:], heights, strict=True):
        width = np.maximum(end - np.maximum(points[:, 0], begin), 0)
        added += width * np.maximum(height - points[:, 1], 0)
    return added


def _by_distance(points: Array, front: Array, n: int) -> list[int]:
    """Rows of up to ``n`` of the points that nothing dominates, far from each other."""
    both = np.concatenate([front, points])
    rows = non_dominated(both)
    left = np.sort(rows[rows >= len(front)]) - len(front)
    chosen: list[int] = []
    nearest = np.array([np.square(front - point).sum(1).min() for point in points[left]])
    while len(chosen) < n and len(left) and nearest.max() > 0:
        best = int(nearest.argmax())
        chosen.append(int(left[best]))
        distance = np.square(points[left] - points[left[best]]).sum(1)
        nearest = np.minimum(nearest, distance)
    return chosen
