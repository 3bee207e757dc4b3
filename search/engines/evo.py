"""Regularised evolution: mutation and death of the oldest.

Real et al., "Regularized Evolution for Image Classifier Architecture Search", AAAI 2019,
Algorithm 1. Tournaments rank by :mod:`search.runs.ranking`, so that a network within the limits
beats any beyond them.
"""

from __future__ import annotations

from collections import deque
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from search.engine import require_limit
from search.engines.coroutine import CoroutineEngine, Search
from search.problem import Problem
from search.runs.ranking import merits
from spaces import Genes, Space

_ATTEMPTS = 100


class EvolutionEngine(CoroutineEngine):
    """Evolves the best architecture within limits.

    Args:
        worst: largest allowed value of each objective, or inf: ``(n_objectives,)``.
        population: how many live at a time.
        tournament: how many of them are drawn; the best of these is mutated.
        batch: children that are made before the first of them is known, as by that many workers.
    """

    needs_limit: ClassVar[bool] = True

    def __init__(
        self,
        space: Space,
        rng: np.random.Generator,
        worst: NDArray[np.float64],
        *,
        population: int = 100,
        tournament: int = 25,
        batch: int = 20,
    ) -> None:
        self.worst = worst
        self.population, self.tournament, self.batch = population, tournament, batch
        super().__init__(space, rng)

    @classmethod
    def create(cls, problem: Problem, rng: np.random.Generator) -> Self:
        require_limit(problem)
        return cls(problem.space, rng, problem.worst)

    def search(self) -> Search:
        genes = self.space.sample(self.population, self.rng, "biased")
        values = yield genes
        alive = deque(zip(genes, self._merits(values), strict=True), self.population)
        proposed = {row.tobytes() for row in genes}
        while True:
            born = [self._child(alive, proposed) for _ in range(self.batch)]
            if not (new := [child for child in born if child is not None]):
                return
            children = np.stack(new)
            values = yield children
            alive.extend(zip(children, self._merits(values), strict=True))

    def _merits(self, values: NDArray[np.float64]) -> list[tuple[float, ...]]:
        return [tuple(merit) for merit in merits(values, self.worst).tolist()]

    def _child(
        self, alive: deque[tuple[Genes, tuple[float, ...]]], proposed: set[bytes]
    ) -> Genes | None:
        """A mutant of a tournament's winner that was never proposed; None if none is found."""
        for _ in range(_ATTEMPTS):
            drawn = self.rng.integers(len(alive), size=self.tournament)
            parent, _ = min((alive[place] for place in drawn), key=lambda each: each[1])
            child = self._mutant(parent)
            if child.tobytes() not in proposed:
                proposed.add(child.tobytes())
                return child
        return None

    def _mutant(self, parent: Genes) -> Genes:
        """The parent with one gene that matters changed to another of its choices."""
        choices = self.space.n_choices
        gene = self.rng.choice(np.flatnonzero(self.space.active(parent[None])[0] & (choices > 1)))
        child = parent.copy()
        child[gene] = (parent[gene] + self.rng.integers(1, choices[gene])) % choices[gene]
        mutant: Genes = self.space.canonical(child[None])[0]
        return mutant
