"""Regularised evolution: mutation and death of the oldest.

Real et al., "Regularized Evolution for Image Classifier Architecture Search", AAAI 2019,
Algorithm 1. Where limits leave one objective to improve, tournaments rank by
:mod:`search.quality.ranking`, so that a network within the limits beats any beyond them; else by
fronts, and within them by crowding, as NSGA-II does (Deb et al. 2002).
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from nasprof.typing import Array
from search.engines.base.coroutine import CoroutineEngine, Search
from search.engines.base.engine import one_left
from search.engines.base.population import first_population, survivors
from search.quality.ranking import best_first
from spaces import Genes, Space

_ATTEMPTS = 100


class EvolutionEngine(CoroutineEngine):
    """Evolves the best architecture within limits, or the whole front.

    Args:
        worst: largest allowed value of each objective, or inf: ``(n_objectives,)``.
        population: how many live at a time.
        tournament: how many of them are drawn; the best of these is mutated.
        batch: children that are made before the first of them is known, as by that many workers.
        first: architectures to begin with ``(n, n_genes)``; random ones fill the population up.
    """

    seeks_best: ClassVar[bool] = True

    def __init__(
        self,
        space: Space,
        rng: np.random.Generator,
        worst: Array,
        *,
        population: int = 100,
        tournament: int = 25,
        batch: int = 20,
        first: Genes | None = None,
    ) -> None:
        self.population, self.tournament, self.batch = population, tournament, batch
        super().__init__(space, rng, worst, first=first)

    def search(self) -> Search:
        genes = first_population(self.space, self.rng, self.population, self.first)
        values = yield genes
        proposed = {row.tobytes() for row in genes}
        while True:
            places = self._places(values)
            born = [self._child(genes, places, proposed) for _ in range(self.batch)]
            if not (new := [child for child in born if child is not None]):
                return
            children = np.stack(new)
            worth = yield children
            genes = np.concatenate([genes, children])[-self.population :]
            values = np.concatenate([values, worth])[-self.population :]

    def _places(self, values: Array) -> NDArray[np.intp]:
        """Each architecture's place in the order of merit, 0 for the best: ``(n,)``."""
        if one_left(self.worst):
            order = best_first(values, self.worst)
        else:
            order = survivors(values, self.worst, len(values))
        return np.argsort(order)

    def _child(self, genes: Genes, places: NDArray[np.intp], proposed: set[bytes]) -> Genes | None:
        """A mutant of a tournament's winner that was never proposed; None if none is found."""
        for _ in range(_ATTEMPTS):
            drawn = self.rng.integers(len(genes), size=self.tournament)
            child = mutant(self.space, genes[drawn[places[drawn].argmin()]], self.rng)
            if child.tobytes() not in proposed:
                proposed.add(child.tobytes())
                return child
        return None


def mutant(space: Space, parent: Genes, rng: np.random.Generator) -> Genes:
    """The parent ``(n_genes,)`` with one gene that matters changed to another of its choices."""
    choices = space.n_choices
    gene = rng.choice(np.flatnonzero(space.active(parent[None])[0] & (choices > 1)))
    child = parent.copy()
    child[gene] = (parent[gene] + rng.integers(1, choices[gene])) % choices[gene]
    changed: Genes = space.canonical(child[None])[0]
    return changed
