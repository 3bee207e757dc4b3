"""The exact front of the nearest additive models, improved on the models themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nasprof.errors import UsageError
from nasprof.typing import Array, Indices
from search.answers.answerers.base import Answerer
from search.engines.exact import nearest_front
from search.generators.answers import Sampler
from search.generators.climbs import ROUNDS, STARTS, Climbs
from search.generators.population import Population
from search.objectives.trade_off import TradeOff
from spaces import Genes

if TYPE_CHECKING:
    from search.answers.request import AnswerOptions, AnswerProgress

FITTED_TO = 2000
"""Networks that the additive accuracy is fitted to; with 8,000 answers are no better."""
REACH = 0.8
"""Climbs begin at the part of the front that takes at least this share of the budget."""


@dataclass(frozen=True)
class ExactSampler(Climbs):
    """Climbs begin on a front; all of it answers, too.

    Args:
        front: ``(n, n_genes)``, fastest first.
    """

    front: Genes

    @property
    def elites(self) -> Genes:
        return self.front

    def starts(
        self, limits_ms: Array, n_draws: int, rng: np.random.Generator
    ) -> Sequence[Population]:
        front = Population.evaluated(self.trade_off, self.front)
        return [front[self._below(front.latency_ms, limit_ms)] for limit_ms in limits_ms]

    def _below(self, latency_ms: Array, limit_ms: float) -> Indices:
        """Rows of the front, evenly spread from the limit down; the fastest if none is within."""
        first, end = np.searchsorted(latency_ms, [REACH * limit_ms, limit_ms], side="right")
        first, end = min(first, max(end - STARTS, 0)), max(end, 1)
        spread = np.linspace(first, end - 1, min(STARTS, end - first))
        return np.unique(spread.round().astype(np.intp))


class ExactAnswerer(Answerer):
    """Where latencies are sums over parts of the network, the front of sums is found at once."""

    def sampler(
        self,
        trade_off: TradeOff,
        options: AnswerOptions,
        rng: np.random.Generator,
        progress: AnswerProgress,
    ) -> Sampler:
        space, cost = trade_off.space, trade_off.cost
        if not (cost.additive and space.parts):
            raise UsageError(
                "answerer 'exact' needs latencies that are sums over parts of a network; those "
                f"of {cost.name!r} in {space.label} are not",
                "Take local or pnag, or a lookup table.",
            )
        front, _ = nearest_front(trade_off, rng, FITTED_TO)
        return ExactSampler(trade_off, ROUNDS if options.polish else 0, front)
