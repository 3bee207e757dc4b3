"""Regularised evolution: mutation and death of the oldest.

Real et al., "Regularized Evolution for Image Classifier Architecture Search", AAAI 2019,
Algorithm 1. Where limits leave one objective to improve, tournaments rank by
:mod:`search.quality.ranking`, so that a network within the limits beats any beyond them; else by
fronts, and within them by crowding, as NSGA-II does (Deb et al. 2002).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nasprof.settings import Settings, setting
from nasprof.typing import Array, Indices
from search.engines.base.coroutine import CoroutineEngine, Search
from search.engines.base.engine import one_left
from search.engines.base.population import first_population, survivors
from search.quality.ranking import best_first
from spaces import Genes
from spaces.neighbours import mutant

_ATTEMPTS = 100


@dataclass(frozen=True)
class EvolutionSettings(Settings):
    """Of the population, and of whom of it is mutated."""

    population: int = setting(100, "architectures that live at a time", 1)
    tournament: int = setting(25, "how many of them are drawn; the best of these is mutated", 1)
    batch: int = setting(20, "children made before the first of them is evaluated", 1)


class EvolutionEngine(CoroutineEngine):
    """Evolves the best architecture within limits, or the whole front."""

    settings: EvolutionSettings = EvolutionSettings()
    seeks_best: ClassVar[bool] = True

    def search(self) -> Search:
        population = self.settings.population
        genes = first_population(self.space, self.rng, population, self.first)
        values = yield genes
        proposed = {row.tobytes() for row in genes}
        while True:
            ranks = self._ranks(values)
            born = [self._child(genes, ranks, proposed) for _ in range(self.settings.batch)]
            if not (new := [child for child in born if child is not None]):
                return
            children = np.stack(new)
            child_values = yield children
            genes = np.concatenate([genes, children])[-population:]
            values = np.concatenate([values, child_values])[-population:]

    def _ranks(self, values: Array) -> Indices:
        """Each architecture's rank in the order of merit, 0 for the best: ``(n,)``."""
        if one_left(self.worst):
            order = best_first(values, self.worst)
        else:
            order = survivors(values, self.worst, len(values))
        return np.argsort(order)

    def _child(self, genes: Genes, ranks: Indices, proposed: set[bytes]) -> Genes | None:
        """A mutant of a tournament's winner that was never proposed; None if none is found."""
        for _ in range(_ATTEMPTS):
            drawn = self.rng.integers(len(genes), size=self.settings.tournament)
            child = mutant(self.space, genes[drawn[ranks[drawn].argmin()]], self.rng)
            if child.tobytes() not in proposed:
                proposed.add(child.tobytes())
                return child
        return None
