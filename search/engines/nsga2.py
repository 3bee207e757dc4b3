"""NSGA-II: the whole front of any number of objectives.

Deb et al., "A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II", IEEE Trans.
Evolutionary Computation 6(2), 2002. Sorting and mutation are pymoo's (Blank and Deb 2020); a
population is an array here, not a list of objects, so that a search on predictions takes a fifth
of the time.
"""

from __future__ import annotations

import numpy as np

from nasprof.typing import Array, Indices
from search.engines.base.breeding import BreedingSettings
from search.engines.base.coroutine import CoroutineEngine, Search
from search.engines.base.population import crowding, first_population, fronts, survivors
from spaces import Genes

_ATTEMPTS = 20


class NSGA2Engine(CoroutineEngine):
    """Survival by fronts, and within the last one by crowding."""

    settings: BreedingSettings = BreedingSettings()

    def search(self) -> Search:
        genes = first_population(self.space, self.rng, self.settings.population, self.first)
        values = yield genes
        while len(children := self._children(genes, values)):
            child_values = yield children
            genes = np.concatenate([genes, children])
            values = np.concatenate([values, child_values])
            kept = survivors(values, self.worst, self.settings.population)
            genes, values = genes[kept], values[kept]

    def _children(self, genes: Genes, values: Array) -> Genes:
        """As many as the population, none of which is in it; fewer if they are not to be found."""
        population = self.settings.population
        ranks = self._ranks(values)
        children = genes[:0]
        for _ in range(_ATTEMPTS):
            bred = self._bred(genes, ranks, population - len(children))
            children = _new(np.concatenate([children, bred]), genes)
            if len(children) == population:
                break
        return children

    def _ranks(self, values: Array) -> Indices:
        """Each architecture's rank in the order of fronts and crowding, 0 for the best: ``(n,)``.

        Equal in both have the same rank.
        """
        front_number = np.empty(len(values), np.intp)
        distance = np.empty(len(values))
        for number, front in enumerate(fronts(values, self.worst)):
            front_number[front] = number
            distance[front] = crowding(values[front])
        order = np.stack([front_number, -distance], 1)
        _, ranks = np.unique(order, axis=0, return_inverse=True)
        return np.asarray(ranks.reshape(-1), np.intp)

    def _bred(self, genes: Genes, ranks: Indices, n: int) -> Genes:
        """Mutated crossovers of the winners of binary tournaments: ``(n, n_genes)``."""
        from pymoo.operators.mutation.pm import mut_pm

        pairs = -(-n // 2)
        drawn = self.rng.integers(len(genes), size=(2, pairs, 2))
        winners = np.take_along_axis(drawn, ranks[drawn].argmin(-1)[..., None], -1)[..., 0]
        first, second = genes[winners]
        mixed = self.rng.random(first.shape) < 0.5
        mixed &= self.rng.random((pairs, 1)) < self.settings.crossover
        pool = np.concatenate([np.where(mixed, second, first), np.where(mixed, first, second)])[:n]
        most = (self.space.n_choices - 1).astype(np.float64)
        share = self.settings.mutation or min(0.5, 1 / self.space.n_genes)
        mutated = mut_pm(
            pool.astype(np.float64),
            np.zeros_like(most),
            most,
            np.full(len(pool), self.settings.eta),
            np.full(len(pool), share),
            at_least_once=False,
            random_state=self.rng,
        )
        return self.space.canonical(np.around(mutated).astype(np.int8))


def _new(genes: Genes, known: Genes) -> Genes:
    """Those that are not known, each once, in order."""
    known_keys = {row.tobytes() for row in known}
    first = {row.tobytes(): index for index, row in reversed(list(enumerate(genes)))}
    return genes[sorted(index for key, index in first.items() if key not in known_keys)]
