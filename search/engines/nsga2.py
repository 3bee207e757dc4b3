"""NSGA-II: the whole front of any number of objectives.

Deb et al., "A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II", IEEE Trans.
Evolutionary Computation 6(2), 2002. Sorting and mutation are pymoo's (Blank and Deb 2020); a
population is an array here, not a list of objects, so that a search on predictions takes a fifth
of the time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasprof.typing import Array
from search.engines.base.breeder import Breeder
from search.engines.base.coroutine import Search
from search.engines.base.population import crowding, first_population, fronts, survivors
from spaces import Genes

_ATTEMPTS = 20


class NSGA2Engine(Breeder):
    """Survival by fronts, and within the last one by crowding."""

    def search(self) -> Search:
        genes = first_population(self.space, self.rng, self.population, self.first)
        values = yield genes
        while len(children := self._children(genes, values)):
            worth = yield children
            genes = np.concatenate([genes, children])
            values = np.concatenate([values, worth])
            kept = survivors(values, self.worst, self.population)
            genes, values = genes[kept], values[kept]

    def _children(self, genes: Genes, values: Array) -> Genes:
        """As many as the population, none of which is in it; fewer if they are not to be found."""
        places = self._places(values)
        found = genes[:0]
        for _ in range(_ATTEMPTS):
            bred = self._bred(genes, places, self.population - len(found))
            found = _new(np.concatenate([found, bred]), genes)
            if len(found) == self.population:
                break
        return found

    def _places(self, values: Array) -> NDArray[np.intp]:
        """Each architecture's place in the order of fronts and crowding, 0 for the best: ``(n,)``.

        Equal in both have the same place.
        """
        rank = np.empty(len(values), np.intp)
        apart = np.empty(len(values))
        for number, front in enumerate(fronts(values, self.worst)):
            rank[front] = number
            apart[front] = crowding(values[front])
        _, places = np.unique(np.stack([rank, -apart], 1), axis=0, return_inverse=True)
        found: NDArray[np.intp] = places.reshape(-1)
        return found

    def _bred(self, genes: Genes, places: NDArray[np.intp], n: int) -> Genes:
        """Mutated crossovers of the winners of binary tournaments: ``(n, n_genes)``."""
        from pymoo.operators.mutation.pm import mut_pm

        pairs = -(-n // 2)
        drawn = self.rng.integers(len(genes), size=(2, pairs, 2))
        winners = np.take_along_axis(drawn, places[drawn].argmin(-1)[..., None], -1)[..., 0]
        first, second = genes[winners]
        mixed = self.rng.random(first.shape) < 0.5
        mixed &= self.rng.random((pairs, 1)) < self.crossover
        pool = np.concatenate([np.where(mixed, second, first), np.where(mixed, first, second)])[:n]
        most = (self.space.n_choices - 1).astype(np.float64)
        share = self.mutation or min(0.5, 1 / self.space.n_genes)
        mutated = mut_pm(
            pool.astype(np.float64),
            np.zeros_like(most),
            most,
            np.full(len(pool), self.eta),
            np.full(len(pool), share),
            at_least_once=False,
            random_state=self.rng,
        )
        return self.space.canonical(np.around(mutated).astype(np.int8))


def _new(genes: Genes, known: Genes) -> Genes:
    """Those that are not known, each once, in order."""
    held = {row.tobytes() for row in known}
    places = {row.tobytes(): place for place, row in reversed(list(enumerate(genes)))}
    return genes[sorted(place for key, place in places.items() if key not in held)]
