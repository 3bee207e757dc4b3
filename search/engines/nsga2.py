"""NSGA-II, by pymoo: the whole front of any number of objectives.

Deb et al., "A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II", IEEE Trans.
Evolutionary Computation 6(2), 2002.
"""

from __future__ import annotations

from typing import Any, ClassVar

from search.engines.genetic import Array, GeneticEngine


class NSGA2Engine(GeneticEngine):
    """Survival by fronts, and within the last one by crowding."""

    scaled: ClassVar[bool] = False

    def algorithm(self, population: int, directions: Array, **operators: Any) -> Any:
        from pymoo.algorithms.moo.nsga2 import NSGA2

        return NSGA2(pop_size=population, **operators)
