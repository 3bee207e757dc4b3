"""Local search over whole fronts.

Paquete, Chiarandini and Stützle, "Pareto Local Optimum Sets in the Biobjective Traveling Salesman
Problem: An Experimental Study", 2004: the neighbours of every architecture on the front are
evaluated until none is left whose neighbours were not. Then it goes on from a disturbed one.
"""

from __future__ import annotations

import numpy as np

from nasprof.typing import Array
from search.engines.base.coroutine import Search
from search.engines.base.population import crowding, first_population
from search.quality.indicators import non_dominated
from search.quality.ranking import violation
from spaces import Genes, Space
from spaces.neighbours import neighbours, perturbed

_BEGIN = 20


def pareto_local_search(
    space: Space,
    rng: np.random.Generator,
    worst: Array,
    first: Genes,
    batch: int,
    kick: int,
) -> Search:
    """Yields the neighbours of what is on the front, least crowded first.

    Args:
        worst: largest allowed value of each objective, or inf: ``(n_objectives,)``.
        first: where it begins ``(n, n_genes)``; random ones are added.
        batch: neighbours that are evaluated at a time, in random order; as soon as a batch holds
            one that joins the front, the next architecture is chosen.
        kick: genes that are changed at random where every neighbour is known.
    """
    genes = first_population(space, rng, max(_BEGIN, len(first)), first)
    genes, values = _front(genes, (yield genes), worst)
    untried: dict[bytes, Genes] = {}
    while True:
        row = _next(genes, values, untried, rng)
        if row is None:
            near = perturbed(space, genes[rng.integers(len(genes))], kick, rng)[None]
        else:
            key = genes[row].tobytes()
            rest = untried.get(key)
            rest = rng.permutation(_others(space, genes[row])) if rest is None else rest
            near, untried[key] = rest[:batch], rest[batch:]
        near_values = yield near
        genes, values = _front(
            np.concatenate([genes, near]), np.concatenate([values, near_values]), worst
        )


def _front(genes: Genes, values: Array, worst: Array) -> tuple[Genes, Array]:
    """What is within the limits and not dominated; the nearest to them if nothing is within."""
    excess = violation(values, worst)
    nearest = np.flatnonzero(excess == excess.min())
    kept = nearest[non_dominated(values[nearest])] if np.isfinite(excess.min()) else nearest
    return genes[kept], values[kept]


def _next(
    genes: Genes, values: Array, untried: dict[bytes, Genes], rng: np.random.Generator
) -> int | None:
    """The least crowded architecture of which neighbours are left; None if there is none.

    Ends of the front, which are infinitely far from what there is not, take part at random.
    """
    left = [index for index, row in enumerate(genes) if len(untried.get(row.tobytes(), row))]
    if not left:
        return None
    apart = crowding(values)[left]
    return left[int(np.where(np.isfinite(apart), apart, rng.random(len(left))).argmax())]


def _others(space: Space, genes: Genes) -> Genes:
    """The neighbours that are another architecture, each once: ``(n, n_genes)``."""
    distinct = np.unique(neighbours(space, genes[None])[0], axis=0)
    others: Genes = distinct[(distinct != genes).any(1)]
    return others
