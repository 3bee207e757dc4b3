"""Local search within budgets: climbs from many starts, and from recombinations of their ends.

Recombining local optima and climbing again is a memetic algorithm (Moscato 1989, "On Evolution,
Search, Optimization, Genetic Algorithms and Martial Arts: Towards Memetic Algorithms"). Where
accuracy is a smooth function of genes, the climbs alone end near the best; where it is rugged,
as OFA's predictor is, they do not, and the search goes on as long as it finds something.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from nasprof.typing import Array
from search.generators.answers import best_within
from search.generators.polish import improve
from search.generators.population import Population, distinct, stack
from search.objectives.trade_off import TradeOff
from spaces import Genes
from spaces.neighbours import neighbours

STARTS = 32
"""Climbs within each budget, and as many in each generation after them."""
ROUNDS = 64
"""Of exchanges, at most; hardly a climb takes twenty."""
PATIENCE = 3
"""Generations in a row that find nothing better for a budget before its search ends."""
GENERATIONS = 50
"""At most."""
_DRAWN = 8
"""Recombinations that are evaluated for each that climbs."""
_CHANGED = 2.0
"""Genes of a recombination that are drawn anew, on average."""
_NEAR = 2
"""Of the best of each budget, those whose neighbours are looked at for more answers."""
_BUDGETS = 16
"""That are climbed at a time: what promises most is sorted for all of them, in memory."""


@dataclass(frozen=True)
class Climbs(ABC):
    """Draws what climbs by exchanges of genes end at (:func:`search.generators.polish.improve`).

    Args:
        rounds: of exchanges in a climb, at most; with none the starts are drawn as they are.
    """

    trade_off: TradeOff
    rounds: int

    @property
    @abstractmethod
    def elites(self) -> Genes:
        """Architectures that answer any budget they are within ``(n, n_genes)``."""

    @abstractmethod
    def starts(
        self, limits_ms: Array, n_draws: int, rng: np.random.Generator
    ) -> Sequence[Population]:
        """Up to :data:`STARTS` architectures within each limit; the fastest where none is.

        Args:
            limits_ms: of predicted latency ``(n,)``.
            n_draws: how many architectures may be drawn for all limits together.
        """

    def calibrated(self, trade_off: TradeOff) -> Self:
        """The same for other models of the same space."""
        return replace(self, trade_off=trade_off)

    def sample(self, budgets_ms: Array, rng: np.random.Generator) -> Genes:
        """For each budget ``(n,)`` one architecture, equal budgets different ones.

        The most accurate come first: ends of climbs, and what differs from the best of them by
        one gene. They are repeated where a budget is asked for more often than that.

        Returns:
            Genes ``(n, n_genes)``.
        """
        genes = np.zeros((len(budgets_ms), self.trade_off.space.n_genes), np.int8)
        limits_ms, numbers = np.unique(budgets_ms, return_inverse=True)
        for first in range(0, len(limits_ms), _BUDGETS):
            some = limits_ms[first : first + _BUDGETS]
            rows = [np.flatnonzero(numbers == first + each) for each in range(len(some))]
            found = self._searched(some, sum(map(len, rows)), rng)
            for own, population, limit_ms in zip(rows, found, some, strict=True):
                best = best_within(population, limit_ms, len(own))
                genes[own] = best.genes[np.resize(np.arange(len(best)), len(own))]
        return genes

    def _searched(
        self, limits_ms: Array, n_draws: int, rng: np.random.Generator
    ) -> list[Population]:
        """What is found within each limit."""
        starts = self.starts(limits_ms, n_draws, rng)
        if not self.rounds:
            return list(starts)
        ends = stack(self._climbed(starts, limits_ms))
        found = [best_within(distinct(ends), limit_ms, STARTS) for limit_ms in limits_ms]
        stale = np.zeros(len(found), np.int64)
        for _ in range(GENERATIONS):
            going = np.flatnonzero(stale < PATIENCE)
            if not len(going):
                break
            later = self._generation([found[each] for each in going], limits_ms[going], rng)
            for each, population in zip(going, later, strict=True):
                better = population.top1[0] > found[each].top1[0]
                stale[each] = 0 if better else stale[each] + 1
                found[each] = population
        return [self._with_neighbours(population) for population in found]

    def _generation(
        self, found: Sequence[Population], limits_ms: Array, rng: np.random.Generator
    ) -> list[Population]:
        """The best within each limit, with what climbs from their recombinations end at."""
        bred = [self._bred(*each, rng) for each in zip(found, limits_ms, strict=True)]
        every = zip(found, self._climbed(bred, limits_ms), limits_ms, strict=True)
        return [
            best_within(distinct(stack([known, ends])), limit_ms, STARTS)
            for known, ends, limit_ms in every
        ]

    def _climbed(self, starts: Sequence[Population], limits_ms: Array) -> list[Population]:
        """The ends of climbs within each limit, all climbed together."""
        numbers = np.repeat(np.arange(len(starts)), [len(each) for each in starts])
        ends = improve(self.trade_off, stack(starts), limits_ms[numbers], self.rounds)
        return [ends[numbers == number] for number in range(len(starts))]

    def _bred(self, parents: Population, limit_ms: float, rng: np.random.Generator) -> Population:
        """The best recombinations of two each that are within the limit; perhaps none."""
        space = self.trade_off.space
        shape = _DRAWN * STARTS, space.n_genes
        one, other = rng.integers(len(parents), size=(2, shape[0]))
        either = np.where(rng.random(shape) < 0.5, parents.genes[one], parents.genes[other])
        changed = rng.random(shape) < _CHANGED / space.n_genes
        genes = np.where(changed, space.sample(shape[0], rng, "biased"), either)
        drawn = Population.evaluated(self.trade_off, np.unique(space.canonical(genes), axis=0))
        within = drawn[drawn.latency_ms <= limit_ms]
        return best_within(within, limit_ms, STARTS) if len(within) else within

    def _with_neighbours(self, found: Population) -> Population:
        """With what differs from the best of them by one gene."""
        space = self.trade_off.space
        best = found[:_NEAR]
        near = neighbours(space, best.genes, cyclic=True).reshape(-1, space.n_genes)
        return distinct(stack([found, Population.evaluated(self.trade_off, near)]))
