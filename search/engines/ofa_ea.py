"""The constrained evolutionary search of Once-for-All.

Cai et al., "Once-for-All: Train One Network and Specialize it for Efficient Deployment", ICLR
2020, Sec. 3.4 and its published search: the best quarter of the population are parents; half of
each generation are their mutants, half their crossovers, and none is evaluated that is known to
miss the budget.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nasprof.typing import Array
from search.engines.base.coroutine import CoroutineEngine, Search
from search.engines.base.population import first_population
from search.problem import Problem
from search.quality.ranking import best_first
from spaces import Genes, Space

Within: TypeAlias = Callable[[Genes], NDArray[np.bool_]]

_ATTEMPTS = 100


class OfaEvolutionEngine(CoroutineEngine):
    """Evolves the best architecture within limits, by elitism.

    Args:
        worst: largest allowed value of each objective, or inf: ``(n_objectives,)``.
        population: how many live, and how many children a generation has.
        parents: share of the population that has children.
        mutants: share of the children that are mutants; the others are crossovers.
        mutation: share of a mutant's genes that are drawn anew.
        within: which architectures ``(n, n_genes)`` meet the limits whose values cost nothing.
        first: architectures to begin with ``(n, n_genes)``; random ones fill the population up.
    """

    needs_limit: ClassVar[bool] = True
    seeks_best: ClassVar[bool] = True

    def __init__(
        self,
        space: Space,
        rng: np.random.Generator,
        worst: Array,
        within: Within | None = None,
        *,
        population: int = 100,
        parents: float = 0.25,
        mutants: float = 0.5,
        mutation: float = 0.1,
        first: Genes | None = None,
    ) -> None:
        self.within = within
        self.population, self.parents = population, parents
        self.mutants, self.mutation = mutants, mutation
        super().__init__(space, rng, worst, first=first)

    @classmethod
    def _of(
        cls, problem: Problem, rng: np.random.Generator, first: Genes | None, **settings: Any
    ) -> Self:
        within = known_limits(problem)
        return cls(problem.space, rng, problem.worst, within, first=first, **settings)

    def search(self) -> Search:
        genes = self._filled(self._drawn, self.population)
        if len(self.first):
            given = first_population(self.space, self.rng, len(self.first), self.first)
            genes = np.concatenate([given, genes])[: self.population]
        values = yield genes
        while True:
            best = best_first(values, self.worst)[: max(int(self.parents * self.population), 1)]
            genes, values = genes[best], values[best]
            children = self._children(genes)
            worth = yield children
            genes, values = np.concatenate([genes, children]), np.concatenate([values, worth])

    def _children(self, parents: Genes) -> Genes:
        n_mutants = round(self.mutants * self.population)
        mutants = self._filled(partial(self._mutants, parents), n_mutants)
        crossed = self._filled(partial(self._crossed, parents), self.population - n_mutants)
        return np.concatenate([mutants, crossed])

    def _filled(self, draw: Callable[[int], Genes], n: int) -> Genes:
        """``n`` draws that meet the limits as far as known; any in the places of those not found.

        So an impossible limit costs no more than a few hundred draws.
        """
        found = draw(n)
        if self.within is None or n == 0:
            return found
        for _ in range(_ATTEMPTS):
            missing = np.flatnonzero(~self.within(found))
            if len(missing) == 0:
                break
            found[missing] = draw(len(missing))
        return found

    def _drawn(self, n: int) -> Genes:
        return self.space.sample(n, self.rng, "biased")

    def _mutants(self, parents: Genes, n: int) -> Genes:
        chosen = parents[self.rng.integers(len(parents), size=n)]
        drawn = self.rng.integers(0, self.space.n_choices, chosen.shape, np.int8)
        changed = self.rng.random(chosen.shape) < self.mutation
        return self.space.canonical(np.where(changed, drawn, chosen))

    def _crossed(self, parents: Genes, n: int) -> Genes:
        first, second = (parents[self.rng.integers(len(parents), size=n)] for _ in range(2))
        return self.space.canonical(np.where(self.rng.random(first.shape) < 0.5, first, second))


def known_limits(problem: Problem) -> Within | None:
    """Tells which architectures meet the limits whose values cost nothing; None without any."""
    asked = [
        (each.function, sign, worst)
        for each, sign, worst in zip(problem.objectives, problem.signs, problem.worst, strict=True)
        if each.free and np.isfinite(worst)
    ]
    if not asked:
        return None

    def within(genes: Genes) -> NDArray[np.bool_]:
        met = [sign * function(genes) <= worst for function, sign, worst in asked]
        all_met: NDArray[np.bool_] = np.logical_and.reduce(met)
        return all_met

    return within
