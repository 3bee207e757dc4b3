"""The range of latencies in a space where nothing is known of the cost model's form."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from luts.cost_model import Extremes
from nasprof.typing import Array
from spaces import Genes, Space
from spaces.neighbours import neighbours

Predict: TypeAlias = Callable[[Genes], Array]

_SAMPLES = 2048
_STARTS = 4
_PASSES = 30


def search_extremes(space: Space, predict: Predict) -> Extremes:
    """The fastest and slowest architecture that are found; the same every time.

    The best of a random sample over the whole range of MACs, and the cheapest and costliest
    choices throughout, are improved by changing one gene or exchanging two, until nothing helps.

    Args:
        predict: latency in ms ``(n,)`` of canonical genes ``(n, n_genes)``.
    """
    sample = space.sample(_SAMPLES, np.random.default_rng(0), "biased")
    ends = np.stack([np.zeros(space.n_genes, np.int8), space.n_choices - 1])
    starts = np.concatenate([space.canonical(ends), sample])
    latency_ms = predict(starts)
    fastest, min_ms = _descend(space, predict, starts, latency_ms)
    slowest, negated = _descend(space, lambda genes: -predict(genes), starts, -latency_ms)
    return Extremes(fastest, slowest, min_ms, -negated, exact=False)


def _descend(space: Space, objective: Predict, starts: Genes, values: Array) -> tuple[Genes, float]:
    """The least of what is reached from the best starts."""
    chosen = np.argsort(values, kind="stable")[:_STARTS]
    reached = [_improve(space, objective, starts[row], float(values[row])) for row in chosen]
    return min(reached, key=lambda pair: pair[1])


def _improve(space: Space, objective: Predict, genes: Genes, value: float) -> tuple[Genes, float]:
    for _ in range(_PASSES):
        near = np.concatenate([neighbours(space, genes[None])[0], _swaps(space, genes)])
        values = objective(near)
        best = int(values.argmin())
        if values[best] >= value:
            break
        genes, value = near[best], float(values[best])
    return genes, value


def _swaps(space: Space, genes: Genes) -> Genes:
    """Every exchange of two genes beside each other that stays valid: ``(n, n_genes)``."""
    n_choices = space.n_choices
    rows = []
    for gene in range(len(genes) - 1):
        pair = genes[[gene + 1, gene]]
        if (pair < n_choices[[gene, gene + 1]]).all() and pair[0] != pair[1]:
            rows.append(genes.copy())
            rows[-1][[gene, gene + 1]] = pair
    return space.canonical(np.array(rows, np.int8).reshape(-1, len(genes)))
