"""Local search within each budget, from starts of all sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nasprof.typing import Array
from search.answers.answerers.base import Answerer
from search.generators.answers import Sampler, best_within
from search.generators.climbs import ROUNDS, STARTS, Climbs
from search.generators.population import Population
from search.objectives.trade_off import TradeOff
from spaces import Genes

if TYPE_CHECKING:
    from search.answers.request import AnswerOptions, AnswerProgress

DRAWN = 4
"""Random architectures for each that is asked for; climbs begin at the best of them."""


@dataclass(frozen=True)
class LocalSampler(Climbs):
    """Climbs begin at the best of what is drawn: random architectures mixed with the fastest.

    By mixtures in all shares there are starts within any budget, the smallest ones too, where of
    random architectures hardly one is.
    """

    @property
    def elites(self) -> Genes:
        return np.zeros((0, self.trade_off.space.n_genes), np.int8)

    def starts(
        self, limits_ms: Array, n_draws: int, rng: np.random.Generator
    ) -> Sequence[Population]:
        space, fastest = self.trade_off.space, self.trade_off.extremes.fastest
        drawn = space.sample(DRAWN * n_draws, rng, "biased")
        taken = rng.random(drawn.shape) < rng.random((len(drawn), 1))
        mixed = space.canonical(np.where(taken, drawn, fastest))
        genes = np.unique(np.concatenate([fastest[None], mixed]), axis=0)
        population = Population.evaluated(self.trade_off, genes)
        return [best_within(population, limit_ms, STARTS) for limit_ms in limits_ms]


class LocalAnswerer(Answerer):
    """Needs nothing to begin with, and searches anew for each budget."""

    def sampler(
        self,
        trade_off: TradeOff,
        options: AnswerOptions,
        rng: np.random.Generator,
        progress: AnswerProgress,
    ) -> Sampler:
        return LocalSampler(trade_off, ROUNDS if options.polish else 0)
