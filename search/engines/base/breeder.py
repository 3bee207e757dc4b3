"""What engines that breed a population have in common: their operators."""

from __future__ import annotations

import numpy as np

from nasprof.typing import Array
from search.engines.base.coroutine import CoroutineEngine
from spaces import Genes, Space


class Breeder(CoroutineEngine):
    """Breeds a population towards the front, within limits where there are any.

    Uniform crossover and polynomial mutation (Deb and Agrawal 1999), rounded to whole genes, whose
    choices are in order of MACs.

    Args:
        worst: largest allowed value of each objective, or inf: ``(n_objectives,)``.
        population: how many survive a generation, and how many children it has.
        crossover: share of the pairs that exchange genes; the others are only mutated.
        mutation: share of the genes that mutate; 0 for one in each child on average.
        eta: distribution index of the mutation: the larger, the nearer a mutant's choice.
        first: architectures to begin with ``(n, n_genes)``; random ones fill the population up.
    """

    def __init__(
        self,
        space: Space,
        rng: np.random.Generator,
        worst: Array,
        *,
        population: int = 100,
        crossover: float = 0.9,
        mutation: float = 0.0,
        eta: float = 3.0,
        first: Genes | None = None,
    ) -> None:
        self.population = population
        self.crossover, self.mutation, self.eta = crossover, mutation, eta
        super().__init__(space, rng, worst, first=first)
