"""Improving architectures by exchanges of one gene and of two, many architectures at once."""

from __future__ import annotations

import numpy as np

from nasprof.typing import Array, Indices
from search.generators.population import Population
from search.objectives.trade_off import TradeOff
from spaces import Genes, Space
from spaces.neighbours import neighbours

ROUNDS = 8
PAIRS = 48
"""Paired exchanges that are evaluated for each architecture in a round."""


def count_neighbours(space: Space) -> int:
    """How many architectures a round of :func:`improve` evaluates for each one, at most."""
    singles = int((space.n_choices.astype(np.int64) - 1).sum())
    return singles + min(PAIRS, singles * (singles - 1) // 2)


def improve(
    trade_off: TradeOff, start: Population, limits_ms: Array, rounds: int = ROUNDS
) -> Population:
    """More accurate architectures near ``start``, each within its limit.

    Every exchange of one gene is evaluated, and of two those that promise most: their effects on
    accuracy and latency are taken to add up. The best that stays within the limit replaces the
    architecture, until none is better.

    Args:
        start: ``n`` architectures within their limits.
        limits_ms: of predicted latency, ``(n,)``.
        rounds: of exchanges, at most.

    Returns:
        ``n`` architectures, none less accurate than its start.
    """
    best, improving = start, np.arange(len(start))
    for _ in range(rounds):
        if not len(improving):
            break
        now, limits = best[improving], limits_ms[improving]
        nearest = _improved(trade_off, now, limits)
        gained = nearest.top1 > now.top1
        best = _replaced(best, improving[gained], nearest[gained])
        improving = improving[gained]
    return best


def _replaced(population: Population, rows: Indices, others: Population) -> Population:
    genes = population.genes.copy()
    top1, latency_ms = population.top1.copy(), population.latency_ms.copy()
    genes[rows], top1[rows], latency_ms[rows] = others.genes, others.top1, others.latency_ms
    return Population(genes, top1, latency_ms)


def _improved(trade_off: TradeOff, now: Population, limits_ms: Array) -> Population:
    """The best neighbour of each architecture within its limit; top-1 is -inf where none is."""
    near = neighbours(trade_off.space, now.genes, cyclic=True)
    n, m, n_genes = near.shape
    single = Population.evaluated(trade_off, near.reshape(-1, n_genes))
    pairs = _pairs(
        trade_off.space,
        now.genes,
        near,
        single.top1.reshape(n, m) - now.top1[:, None],
        single.latency_ms.reshape(n, m) - now.latency_ms[:, None],
        limits_ms - now.latency_ms,
    )
    double = Population.evaluated(trade_off, pairs.reshape(-1, n_genes))
    top1 = np.concatenate([single.top1.reshape(n, m), double.top1.reshape(n, -1)], 1)
    latency_ms = np.concatenate(
        [single.latency_ms.reshape(n, m), double.latency_ms.reshape(n, -1)], 1
    )
    scores = np.where(latency_ms <= limits_ms[:, None], top1, -np.inf)
    rows, chosen = np.arange(n), scores.argmax(1)
    genes = np.concatenate([near, pairs], 1)[rows, chosen]
    return Population(genes, scores[rows, chosen], latency_ms[rows, chosen])


def _pairs(
    space: Space, genes: Genes, near: Genes, gains: Array, costs_ms: Array, room_ms: Array
) -> Genes:
    """The pairs of exchanges that promise most and fit: ``(n, PAIRS, n_genes)``.

    Args:
        near: exchanges of one gene, ``(n, m, n_genes)``.
        gains: of each in points, ``(n, m)``.
        costs_ms: of each, ``(n, m)``.
        room_ms: what each architecture may cost more, ``(n,)``.
    """
    first, second = np.triu_indices(near.shape[1], 1)
    gain = gains[:, first] + gains[:, second]
    gain[costs_ms[:, first] + costs_ms[:, second] > room_ms[:, None]] = -np.inf
    most = min(PAIRS, gain.shape[1])
    chosen = np.argpartition(-gain, most - 1, axis=1)[:, :most]
    rows = np.arange(len(genes))[:, None]
    one, other = near[rows, first[chosen]], near[rows, second[chosen]]
    both = np.where(one != genes[:, None], one, other)
    return space.canonical(both.reshape(-1, genes.shape[1])).reshape(both.shape)
