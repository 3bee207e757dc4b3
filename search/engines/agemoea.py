"""AGE-MOEA: survival by the estimated geometry of the front.

Panichella, "An Adaptive Evolutionary Algorithm Based on Non-Euclidean Geometry for Many-Objective
Optimization", GECCO 2019. Selection and operators are pymoo's (Blank and Deb 2020); so is what is
left open in the paper: fronts between the first and the last are scored by proximity alone, and
the last one is cut without a score unless it is the first. (pymoo's own survival asks for a
compiler, which populations of hundreds do not need.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from nasprof.typing import Array, Indices
from search.engines.base.genetic import GeneticEngine, Operators

if TYPE_CHECKING:
    from pymoo.core.algorithm import Algorithm
    from pymoo.core.population import Population

_DIGITS = 12
_TINY = 1e-8
_NORMS = (0.1, 20.0)
"""Below the first the front has no shape to speak of; beyond the second powers underflow."""


class AGEMOEAEngine(GeneticEngine):
    """Survival by fronts, and within the last one by proximity and spread in its own norm."""

    n_objectives: ClassVar[tuple[int, int]] = (2, 15)

    def algorithm(self, population: int, directions: Array, operators: Operators) -> Algorithm:
        from pymoo.algorithms.moo.nsga2 import NSGA2
        from pymoo.core.survival import Survival

        class GeometrySurvival(Survival):  # type: ignore[misc]  # its package has no annotations
            def _do(
                self, problem: object, pop: Population, n_survive: int, **_: object
            ) -> Population:
                kept, ranks, scores = geometry_survivors(pop.get("F"), n_survive)
                pop.set("rank", ranks)
                pop.set("crowding", scores)
                return pop[kept]

        algorithm = NSGA2(pop_size=population, survival=GeometrySurvival(), **operators)
        algorithm.tournament_type = "comp_by_rank_and_crowding"
        return algorithm


def geometry_survivors(values: Array, n: int) -> tuple[Indices, Indices, Array]:
    """The best ``n`` of architectures, Algorithm 1 and 2.

    Args:
        values: objectives to be minimised, ``(m, n_objectives)``.

    Returns:
        The ``n`` rows that are kept, in order; of each of the ``m`` the number of its front, and
        its score, which is large where it is near the ideal point and far from others.
    """
    from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting

    fronts = NonDominatedSorting().do(values, n_stop_if_ranked=n)
    ranks = np.full(len(values), np.iinfo(int).max, np.intp)
    for number, front in enumerate(fronts):
        ranks[front] = number
    groups = [np.flatnonzero(ranks == number) for number in range(len(fronts))]
    first, last = groups[0], groups[-1]
    scores = np.zeros(len(values))
    ideal = values[first].min(0)
    scores[first], norm, scale = _first_scores(values[first], ideal)
    for front in groups[1:-1]:
        with np.errstate(divide="ignore", invalid="ignore"):
            # One by one: powers of many numbers at once differ in their last digit.
            scores[front] = [1.0 / _distance(row / scale, ideal, norm) for row in values[front]]
    kept = ranks < len(fronts) - 1
    # Not stable, on purpose: the order of equal scores is that of pymoo's survival.
    order = np.argsort(scores[last])[::-1]
    kept[last[order[: n - kept.sum()]]] = True
    return np.flatnonzero(kept), ranks, scores


def _first_scores(front: Array, ideal: Array) -> tuple[Array, float, Array]:
    """Scores of the first front ``(m,)``, the norm of its geometry, and what it is scaled by."""
    front = np.round(front, _DIGITS)
    if len(front) < front.shape[1]:
        return np.zeros(len(front)), 1.0, front.max(0)
    front = front - ideal
    corners = _corners(front)
    scale = _intercepts(front, corners)
    front = front / scale
    norm = _geometry(front, corners)
    proximity = np.linalg.norm(front, norm, axis=1)
    proximity[proximity < _TINY] = 1
    apart = np.stack([(np.abs(point - front) ** norm).sum(1) ** (1 / norm) for point in front])
    apart = np.maximum(apart, _TINY) / proximity[:, None]
    return _spread(apart, corners), norm, scale


def _distance(point: Array, other: Array, norm: float) -> float:
    """Of two points ``(n,)``, in that norm."""
    distance: float = (np.abs(point - other) ** norm).sum() ** (1 / norm)
    return distance


def _to_line(points: Array, direction: Array) -> Array:
    """Squared distance of each point to the line from the origin in a direction: ``(m,)``."""
    along = [np.dot(point, direction) / np.dot(direction, direction) for point in points]
    return np.array(
        [np.sum((point - t * direction) ** 2) for point, t in zip(points, along, strict=True)]
    )


def _corners(front: Array) -> Indices:
    """The point nearest to each axis, each another one: ``(n_objectives,)``."""
    m, n = front.shape
    if m <= n:
        return np.arange(m)
    corners: list[int] = []
    for axis in 1e-6 + np.eye(n):
        distances = _to_line(front, axis)
        distances[corners] = np.inf
        corners.append(int(distances.argmin()))
    return np.array(corners, np.intp)


def _intercepts(front: Array, corners: Indices) -> Array:
    """Where the plane through the corners meets the axes; the largest values if it does not."""
    scale = front.max(0)
    try:
        plane = np.linalg.solve(front[corners], np.ones(front.shape[1]))
        if np.isfinite(plane).all() and (plane > 0).all() and np.isfinite(1.0 / plane).all():
            scale = 1.0 / plane
    except np.linalg.LinAlgError:
        pass
    return np.where(scale == 0.0, 1.0, scale)


def _geometry(front: Array, corners: Indices) -> float:
    """The norm in which the front is a unit sphere, by its point nearest to the diagonal."""
    n = front.shape[1]
    distances = _to_line(front, np.ones(n))
    distances[corners] = np.inf
    with np.errstate(divide="ignore", invalid="ignore"):
        norm = float(np.log(n) / np.log(1.0 / front[distances.argmin()].mean()))
    low, high = _NORMS
    return 1.0 if np.isnan(norm) or norm <= low else min(norm, high)


def _spread(apart: Array, corners: Indices) -> Array:
    """Scores ``(m,)``: corners first, then one by one who is farthest from the two nearest."""
    scores = np.zeros(len(apart))
    scores[corners] = np.inf
    chosen = np.isinf(scores)
    left = np.flatnonzero(~chosen).tolist()
    while left:
        distances = apart[chosen][:, left].T
        if distances.shape[1] > 1:
            nearest = np.partition(distances, 1, axis=1)[:, :2].sum(1)
        else:
            nearest = distances[:, 0]
        best = int(nearest.argmax())
        row = left.pop(best)
        scores[row], chosen[row] = nearest[best], True
    return scores
