"""The constrained evolutionary search of Once-for-All.

Cai et al., "Once-for-All: Train One Network and Specialize it for Efficient Deployment", ICLR
2020, Sec. 3.4 and its published search: the best quarter of the population are parents; half of
each generation are their mutants, half their crossovers, and none is evaluated that is known to
miss the budget.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, TypeAlias

import numpy as np

from nasprof.settings import Settings, setting
from nasprof.typing import Flags
from search.engines.base.coroutine import CoroutineEngine, Search
from search.engines.base.population import first_population
from search.problem import Problem
from search.quality.ranking import best_first
from spaces import Genes

Within: TypeAlias = Callable[[Genes], Flags]

_ATTEMPTS = 100


@dataclass(frozen=True)
class OfaEvolutionSettings(Settings):
    """Of a generation."""

    population: int = setting(100, "architectures that live, and children a generation", 1)
    parents: float = setting(0.25, "share of the population that has children", 0, 1)
    mutants: float = setting(0.5, "share of the children that are mutants, not crossovers", 0, 1)
    mutation: float = setting(0.1, "share of a mutant's genes that are drawn anew", 0, 1)


class OfaEvolutionEngine(CoroutineEngine):
    """Evolves the best architecture within limits, by elitism."""

    settings: OfaEvolutionSettings = OfaEvolutionSettings()
    needs_limit: ClassVar[bool] = True
    seeks_best: ClassVar[bool] = True

    def search(self) -> Search:
        within, population = known_limits(self.problem), self.settings.population
        genes = _filled(self._drawn, population, within)
        if len(self.first):
            first = first_population(self.space, self.rng, len(self.first), self.first)
            genes = np.concatenate([first, genes])[:population]
        values = yield genes
        n_parents = max(int(self.settings.parents * population), 1)
        while True:
            best = best_first(values, self.worst)[:n_parents]
            genes, values = genes[best], values[best]
            children = self._children(genes, within)
            child_values = yield children
            genes = np.concatenate([genes, children])
            values = np.concatenate([values, child_values])

    def _children(self, parents: Genes, within: Within | None) -> Genes:
        n = self.settings.population
        n_mutants = round(self.settings.mutants * n)
        mutants = _filled(partial(self._mutants, parents), n_mutants, within)
        crossed = _filled(partial(self._crossed, parents), n - n_mutants, within)
        return np.concatenate([mutants, crossed])

    def _drawn(self, n: int) -> Genes:
        return self.space.sample(n, self.rng, "biased")

    def _mutants(self, parents: Genes, n: int) -> Genes:
        chosen = parents[self.rng.integers(len(parents), size=n)]
        drawn = self.rng.integers(0, self.space.n_choices, chosen.shape, np.int8)
        changed = self.rng.random(chosen.shape) < self.settings.mutation
        return self.space.canonical(np.where(changed, drawn, chosen))

    def _crossed(self, parents: Genes, n: int) -> Genes:
        first, second = (parents[self.rng.integers(len(parents), size=n)] for _ in range(2))
        return self.space.canonical(np.where(self.rng.random(first.shape) < 0.5, first, second))


def _filled(draw: Callable[[int], Genes], n: int, within: Within | None) -> Genes:
    """``n`` draws that meet the limits as far as known; any in the stead of those not met with.

    So an impossible limit costs no more than a few hundred draws.
    """
    genes = draw(n)
    if within is None or n == 0:
        return genes
    for _ in range(_ATTEMPTS):
        missing = np.flatnonzero(~within(genes))
        if len(missing) == 0:
            break
        genes[missing] = draw(len(missing))
    return genes


def known_limits(problem: Problem) -> Within | None:
    """Tells which architectures meet the limits whose values cost nothing; None without any."""
    limits = [
        (objective.function, sign, worst)
        for objective, sign, worst in zip(
            problem.objectives, problem.signs, problem.worst, strict=True
        )
        if objective.free and np.isfinite(worst)
    ]
    if not limits:
        return None

    def within(genes: Genes) -> Flags:
        met = [sign * function(genes) <= worst for function, sign, worst in limits]
        all_met: Flags = np.logical_and.reduce(met)
        return all_met

    return within
