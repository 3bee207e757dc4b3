"""Answering budgets: what draws architectures, evaluating them, polish, bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np

from luts import TABLE_SPEED, Bound, Speed
from nasprof.errors import UsageError
from nasprof.threads import one_thread
from nasprof.typing import Array
from search.generators.polish import ROUNDS, improve
from search.generators.population import Population, distinct, stack
from search.objectives.trade_off import TradeOff
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


class Sampler(Protocol):
    """What draws architectures for budgets: a trained generator, or whatever else knows some."""

    @property
    def elites(self) -> Genes:
        """Architectures that answer any budget they are within ``(n, n_genes)``."""

    def calibrated(self, trade_off: TradeOff) -> Self:
        """The same for a cost model whose range of latencies may have moved."""

    def sample(self, budgets_ms: Array, rng: np.random.Generator) -> Genes:
        """One architecture for each budget of predicted latency ``(n,)``: ``(n, n_genes)``."""


@dataclass(frozen=True)
class AnswerSettings:
    """How budgets are answered.

    Args:
        confidence: with which an answer keeps within its budget, between 0 and 1; None takes
            predictions as they are.
        samples: architectures that are drawn for each budget.
        polish: whether the best of them are improved by exchanges of genes.
        keep: answers for each budget, at most.
        rounds: of exchanges, at most.

    Raises:
        UsageError: one of them makes no sense.
    """

    confidence: float | None = 0.95
    samples: int = 256
    polish: bool = True
    keep: int = 32
    rounds: int = ROUNDS

    def __post_init__(self) -> None:
        if self.confidence is not None and not 0 < self.confidence < 1:
            raise UsageError(
                f"confidence is {self.confidence:g}, expected a number between 0 and 1"
            )
        for name, least in (("samples", 0), ("keep", 1), ("rounds", 0)):
            if getattr(self, name) < least:
                raise UsageError(f"{name} is {getattr(self, name)}, expected at least {least}")


def answer(
    sampler: Sampler,
    trade_off: TradeOff,
    budgets_ms: Sequence[float],
    rng: np.random.Generator,
    settings: AnswerSettings | None = None,
    speed: Speed = TABLE_SPEED,
) -> list[list[Answer]]:
    """The best architectures found within each budget, most accurate first.

    They are drawn by the sampler (such as the policy of Guo et al. 2022, Sec. 3.1), beside its
    elites, and then polished.

    Args:
        budgets_ms: of what an architecture takes at most.
        rng: the only source of randomness.
        settings: how; the defaults unless given.
        speed: of the device now; budgets, answers and bounds are of that speed, and its interval
            is in the bounds.

    Returns:
        A list for each budget, distinct architectures. A budget below the least latency is
        answered with the fastest architecture alone.

    Raises:
        UsageError: a budget is no time.
    """
    settings = settings or AnswerSettings()
    bound = trade_off.bound(settings.confidence, speed)
    limits = [trade_off.limit(budget_ms, settings.confidence, speed) for budget_ms in budgets_ms]
    limits_ms = np.array([limit.on_prediction for limit in limits])
    with one_thread():
        budgets = np.repeat(limits_ms, settings.samples)
        drawn = sampler.calibrated(trade_off).sample(budgets, rng)
        fastest = trade_off.extremes.fastest[None]
        genes = np.concatenate([drawn, sampler.elites, fastest])
        population = Population.evaluated(trade_off, np.unique(genes, axis=0))
        best = [best_within(population, limit_ms, settings.keep) for limit_ms in limits_ms]
        if settings.polish and best:
            best = _polished(trade_off, best, limits_ms, settings)
        return [_answers(trade_off, one_budget, bound, speed.factor) for one_budget in best]


def best_within(population: Population, limit_ms: float, keep: int) -> Population:
    """The most accurate within the limit; the fastest alone if none is."""
    within = np.flatnonzero(population.latency_ms <= limit_ms)
    if not len(within):
        return population[np.array([population.latency_ms.argmin()])]
    order = np.lexsort((population.latency_ms[within], -population.top1[within]))
    return population[within[order[:keep]]]


def _polished(
    trade_off: TradeOff, best: list[Population], limits_ms: Array, settings: AnswerSettings
) -> list[Population]:
    """The same with the best of each budget improved, all budgets at once."""
    heads = [population[:POLISHED] for population in best]
    heads = [
        head[head.latency_ms <= limit_ms] for head, limit_ms in zip(heads, limits_ms, strict=True)
    ]
    budgets = np.repeat(np.arange(len(heads)), [len(head) for head in heads])
    improved = improve(trade_off, stack(heads), limits_ms[budgets], settings.rounds)
    return [
        best_within(
            distinct(stack([population, improved[budgets == number]])),
            limits_ms[number],
            settings.keep,
        )
        for number, population in enumerate(best)
    ]


def _answers(
    trade_off: TradeOff, population: Population, bound: Bound, factor: float
) -> list[Answer]:
    std = trade_off.accuracy.std(population.genes, trade_off.space)
    deviations = [None] * len(population) if std is None else std.tolist()
    latency_ms, upper_ms = population.latency_ms * factor, bound.upper(population.latency_ms)
    times = (latency_ms.tolist(), upper_ms.tolist())
    columns = (population.genes, population.top1.tolist(), deviations, *times)
    return [Answer(*row) for row in zip(*columns, strict=True)]
