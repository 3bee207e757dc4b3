"""A trained generator in comparisons, with as many evaluations as the others have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from search.objectives.trade_off import TradeOff
from search.pnag.answers import POLISHED, AnswerSettings, answer, best_within
from search.pnag.generator import Generator
from search.pnag.polish import ROUNDS, count_neighbours
from search.pnag.population import Population
from search.runs.comparison import Entrant
from spaces import Genes, Space

SAMPLES = 256
"""Samples of the policy for each budget, before any exchanges."""


def entrant(trade_off: TradeOff, generator: Generator, confidence: float | None) -> Entrant:
    """Answers of a generator, each made with a limited number of evaluations.

    Counted is what an answer evaluates: samples of the policy, exchanges of genes, the fastest
    architecture, and the best within the budget that training has kept. What training evaluated
    is not: it is done once for all budgets, and told in the generator's provenance.
    """
    return partial(_evaluated, trade_off, generator, confidence)


def _evaluated(
    trade_off: TradeOff,
    generator: Generator,
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
            replace(generator, elites=kept),
            watched,
            [budget_ms],
            rng,
            AnswerSettings(confidence, samples, rounds=rounds),
        )
    return np.unique(np.concatenate(seen), axis=0)


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
