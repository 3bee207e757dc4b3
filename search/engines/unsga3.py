"""U-NSGA-III, by pymoo: NSGA-III for one objective, two or many.

Seada and Deb, "A Unified Evolutionary Optimization Procedure for Single, Multiple, and Many
Objectives", IEEE Trans. Evolutionary Computation 20(3), 2016.
"""

from __future__ import annotations

from typing import Any

from nasprof.typing import Array
from search.engines.base.genetic import GeneticEngine


class UNSGA3Engine(GeneticEngine):
    """NSGA-III whose parents win tournaments within their niche."""

    def algorithm(self, population: int, directions: Array, **operators: Any) -> Any:
        from pymoo.algorithms.moo.unsga3 import UNSGA3

        return UNSGA3(directions, pop_size=population, **operators)
