"""What engines that keep a population have in common."""

from __future__ import annotations

import numpy as np

from nasprof.typing import Array, Indices
from search.engines.base.directions import reference_directions
from search.quality.ranking import evaluated, violation
from spaces import Genes, Space

_ATTEMPTS = 100


def first_population(
    space: Space, rng: np.random.Generator, n: int, first: Genes | None = None
) -> Genes:
    """``n`` distinct architectures of all sizes ``(n, n_genes)``, those of ``first`` in front.

    Fewer where the space has fewer.

    Args:
        space: where they are from.
        rng: the only source of randomness.
        n: how many there should be.
        first: to begin with ``(m, n_genes)``; random ones fill up to ``n``.

    Returns:
        Canonical genes.

    Example:
        >>> from spaces import get_space
        >>> first_population(get_space("nasbench201"), np.random.default_rng(0), 5).shape
        (5, 6)
    """
    none = np.empty((0, space.n_genes), np.int8)
    genes = none if first is None else space.canonical(first)
    for attempt in range(_ATTEMPTS):
        genes = distinct(genes)[:n]
        if len(genes) >= min(n, space.size):
            break
        drawn = space.sample(n, rng, "uniform" if attempt % 2 else "biased")
        genes = np.concatenate([genes, drawn])
    return genes


def distinct(genes: Genes) -> Genes:
    """Each of architectures ``(n, n_genes)`` once, in the order in which they first appear."""
    _, first = np.unique(genes, axis=0, return_index=True)
    return genes[np.sort(first)]


def fronts(values: Array, worst: Array, enough: int | None = None) -> list[Indices]:
    """Rows of architectures front by front, best first, until ``enough`` are in them.

    Those within the limits in non-dominated order; then those beyond, by how far (Deb et al. 2002,
    Sec. VI); then those not evaluated.

    Args:
        values: objectives to be minimised ``(n, n_objectives)``.
        worst: largest allowed value of each, or inf: ``(n_objectives,)``.
    """
    from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting

    excess = violation(values, worst)
    within = np.flatnonzero(excess == 0)
    rows: list[Indices] = []
    if len(within):
        sort = NonDominatedSorting().do(values[within], n_stop_if_ranked=enough)
        rows = [within[front] for front in sort]
    beyond = np.flatnonzero(excess > 0)
    for level in np.unique(excess[beyond]):
        if enough is not None and sum(map(len, rows)) >= enough:
            break
        rows.append(beyond[excess[beyond] == level])
    return rows


def crowding(values: Array) -> Array:
    """How far apart neighbours are along each objective, summed: ``(n,)``; inf at the ends.

    Deb et al. 2002, Sec. III.B.
    """
    distance = np.zeros(len(values))
    known = np.where(evaluated(values)[:, None], values, 0.0)
    for column in known.T:
        order = np.argsort(column, kind="stable")
        span = column[order[-1]] - column[order[0]]
        distance[order[[0, -1]]] = np.inf
        if span > 0:
            distance[order[1:-1]] += (column[order[2:]] - column[order[:-2]]) / span
    return distance


def survivors(values: Array, worst: Array, n: int) -> Indices:
    """Rows of the best ``n``: front by front, of the last one the least crowded."""
    chosen: list[int] = []
    for front in fronts(values, worst, n):
        order = np.argsort(-crowding(values[front]), kind="stable")
        chosen += front[order[: n - len(chosen)]].tolist()
        if len(chosen) == n:
            break
    return np.array(chosen, np.intp)


def spread_survivors(values: Array, worst: Array, n: int, rng: np.random.Generator) -> Indices:
    """Rows of the best ``n``: front by front, of the last one those along reference directions.

    Deb and Jain 2014, Sec. IV; beyond the limits, the nearest to them.
    """
    from pymoo.algorithms.moo.nsga3 import ReferenceDirectionSurvival
    from pymoo.core.population import Population

    if len(values) <= n:
        return np.arange(len(values))
    chosen = np.concatenate(fronts(values, worst, n))
    within = chosen[violation(values[chosen], worst) == 0]
    if len(within) <= n or values.shape[1] == 1:
        return chosen[:n]
    pool = Population.new(F=_to_range(values[within]), row=within)
    survival = ReferenceDirectionSurvival(
        reference_directions(values.shape[1], max(n, values.shape[1]))
    )
    survival.filter_infeasible = False
    kept = survival.do(None, pool, n_survive=n, random_state=rng)
    rows: Indices = kept.get("row").astype(np.intp)
    return rows


def _to_range(values: Array) -> Array:
    """Each objective from 0 to 1 over those given."""
    span = np.ptp(values, axis=0)
    scaled: Array = (values - values.min(0)) / np.where(span > 0, span, 1)
    return scaled
