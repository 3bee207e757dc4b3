"""Answering budgets with a trained generator, by inference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from luts import TABLE_SPEED, Bound, Speed
from nasprof.threads import one_thread
from nasprof.typing import Array
from search.objectives.trade_off import TradeOff
from search.pnag.generator import Generator
from search.pnag.polish import ROUNDS, improve
from search.pnag.rated import Rated, distinct, stack
from spaces import Genes

POLISHED = 4
"""Architectures polished for each budget."""


@dataclass(frozen=True)
class Answer:
    """An architecture that is within a budget.

    Args:
        genes: ``(n_genes,)``.
        top1: predicted, in percent.
        std: standard deviation of that prediction's error in points, None if unknown.
        latency_ms: predicted, at the device's speed that was asked about.
        upper_ms: what it takes at most at that speed, with the confidence asked for; never less
            than the prediction, and the same where the cost model was never compared with whole
            networks.
    """

    genes: Genes
    top1: float
    std: float | None
    latency_ms: float
    upper_ms: float


def answer(
    generator: Generator,
    trade_off: TradeOff,
    budgets_ms: Sequence[float],
    rng: np.random.Generator,
    *,
    confidence: float | None = 0.95,
    samples: int = 256,
    polish: bool = True,
    keep: int = 32,
    rounds: int = ROUNDS,
    speed: Speed = TABLE_SPEED,
) -> list[list[Answer]]:
    """The best architectures found within each budget, most accurate first.

    They are drawn by the policy, beside those that training has kept, and then polished.

    Args:
        confidence: with which an answer keeps within its budget; None takes predictions as they
            are.
        samples: architectures drawn for each budget.
        polish: whether the best of them are improved by exchanges of genes.
        keep: answers for each budget, at most.
        rounds: of exchanges, at most.
        speed: of the device now; budgets, answers and bounds are of that speed, and its interval
            is in the bounds.

    Returns:
        A list for each budget, distinct architectures. A budget below the least latency is
        answered with the fastest architecture alone.

    Raises:
        UsageError: a budget is no time.
    """
    bound = trade_off.bound(confidence, speed)
    limits = [trade_off.limit(budget_ms, confidence, speed) for budget_ms in budgets_ms]
    limits_ms = np.array([limit.on_prediction for limit in limits])
    with one_thread():
        drawn = generator.calibrated(trade_off).sample(np.repeat(limits_ms, samples), rng)
        fastest = trade_off.extremes.fastest[None]
        genes = np.concatenate([drawn, generator.elites, fastest])
        known = Rated.by(trade_off, np.unique(genes, axis=0))
        chosen = [best_within(known, limit, keep) for limit in limits_ms]
        if polish and chosen:
            chosen = _polished(trade_off, chosen, limits_ms, keep, rounds)
        return [_answers(trade_off, rated, bound, speed.factor) for rated in chosen]


def best_within(rated: Rated, limit_ms: float, keep: int) -> Rated:
    """The most accurate within the limit; the fastest alone if none is."""
    within = np.flatnonzero(rated.latency_ms <= limit_ms)
    if not len(within):
        return rated[np.array([rated.latency_ms.argmin()])]
    order = np.lexsort((rated.latency_ms[within], -rated.top1[within]))
    return rated[within[order[:keep]]]


def _polished(
    trade_off: TradeOff, chosen: list[Rated], limits_ms: Array, keep: int, rounds: int
) -> list[Rated]:
    """The same with the best of each budget improved, all budgets at once."""
    heads = [rated[:POLISHED] for rated in chosen]
    heads = [
        head[head.latency_ms <= limit_ms] for head, limit_ms in zip(heads, limits_ms, strict=True)
    ]
    budgets = np.repeat(np.arange(len(heads)), [len(head) for head in heads])
    found = improve(trade_off, stack(heads), limits_ms[budgets], rounds)
    return [
        best_within(distinct(stack([rated, found[budgets == number]])), limits_ms[number], keep)
        for number, rated in enumerate(chosen)
    ]


def _answers(trade_off: TradeOff, rated: Rated, bound: Bound, factor: float) -> list[Answer]:
    std = trade_off.accuracy.std(rated.genes, trade_off.space)
    deviations = [None] * len(rated) if std is None else std.tolist()
    latency_ms, upper_ms = rated.latency_ms * factor, bound.upper(rated.latency_ms)
    times = (latency_ms.tolist(), upper_ms.tolist())
    columns = (rated.genes, rated.top1.tolist(), deviations, *times)
    return [Answer(*each) for each in zip(*columns, strict=True)]
