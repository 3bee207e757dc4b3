"""NSGA-III with the operators of NAT: the front of many objectives.

Deb and Jain, "An Evolutionary Many-Objective Optimization Algorithm Using Reference-Point-Based
Nondominated Sorting Approach, Part I", IEEE Trans. Evolutionary Computation 18(4), 2014; Lu et
al., "Neural Architecture Transfer", IEEE TPAMI 43(9), 2021, Sec. 3.3 and Table 2.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nasprof.typing import Array
from search.engines.base.genetic import GeneticEngine
from spaces import Genes, Space


class NSGA3Engine(GeneticEngine):
    """Survival by fronts, and within the last one by evenly spread directions."""

    def __init__(
        self,
        space: Space,
        rng: np.random.Generator,
        worst: Array,
        *,
        population: int = 100,
        crossover: float = 0.9,
        mutation: float = 0.1,
        eta: float = 1.0,
        first: Genes | None = None,
    ) -> None:
        super().__init__(
            space,
            rng,
            worst,
            population=population,
            crossover=crossover,
            mutation=mutation,
            eta=eta,
            first=first,
        )

    def algorithm(self, population: int, directions: Array, **operators: Any) -> Any:
        from pymoo.algorithms.moo.nsga3 import NSGA3

        return NSGA3(directions, pop_size=population, **operators)
