"""A trained generator in comparisons, with as many evaluations as the others have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Self

import numpy as np

from nasprof.typing import Array
from search.generators.answers import POLISHED, AnswerSettings, Sampler, answer, best_within
from search.generators.polish import ROUNDS, count_neighbours
from search.generators.population import Population
from search.objectives.trade_off import TradeOff
from search.runs.comparison import Entrant
from spaces import Genes, Space

SAMPLES = 256
"""Samples for each budget, before any exchanges."""


def entrant(trade_off: TradeOff, generator: Sampler, confidence: float | None) -> Entrant:
    """Answers of a generator, each made with a limited number of evaluations.

    Counted is what an answer evaluates: samples, exchanges of genes, the fastest
    architecture, and the best within the budget that training has kept. What training evaluated
    is not: it is done once for all budgets, and told in the generator's provenance.
    """
    return partial(_evaluated, trade_off, generator, confidence)


def _evaluated(
    trade_off: TradeOff,
    generator: Sampler,
    confidence: float | None,
    budgets_ms: Sequence[float],
    evaluations: int,
    seed: int,
) -> Genes:
    rng = np.random.default_rng(seed)
    elites = Population.evaluated(trade_off, generator.elites)
    seen: list[Genes] = []
    watched = trade_off.watched(seen.append)
    for budget_ms in budgets_ms:
        limit_ms = trade_off.limit(budget_ms, confidence).on_prediction
        kept = _kept(elites, limit_ms, min(POLISHED, evaluations - 1))
        samples, rounds = _shares(trade_off.space, evaluations - 1 - len(kept))
        answer(
            _Keeping(generator, kept),
            watched,
            [budget_ms],
            rng,
            AnswerSettings(confidence, samples, rounds=rounds),
        )
    return np.unique(np.concatenate(seen), axis=0)


@dataclass(frozen=True)
class _Keeping:
    """A generator with other elites."""

    generator: Sampler
    elites: Genes

    def calibrated(self, trade_off: TradeOff) -> Self:
        return type(self)(self.generator.calibrated(trade_off), self.elites)

    def sample(self, budgets_ms: Array, rng: np.random.Generator) -> Genes:
        return self.generator.sample(budgets_ms, rng)


def _kept(elites: Population, limit_ms: float, most: int) -> Genes:
    """The best elites within the limit."""
    within = elites[elites.latency_ms <= limit_ms]
    return best_within(within, limit_ms, most).genes if len(within) else within.genes


def _shares(space: Space, evaluations: int) -> tuple[int, int]:
    """Samples, and rounds of exchanges, that so many evaluations allow.

    Samples come first; what no exchanges could use goes to samples again.
    """
    a_round = POLISHED * count_neighbours(space)
    samples = max(min(SAMPLES, evaluations), evaluations - ROUNDS * a_round)
    return samples, min(ROUNDS, (evaluations - samples) // a_round)
