"""U-NSGA-III, by pymoo: NSGA-III for one objective, two or many.

Seada and Deb, "A Unified Evolutionary Optimization Procedure for Single, Multiple, and Many
Objectives", IEEE Trans. Evolutionary Computation 20(3), 2016.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nasprof.typing import Array
from search.engines.base.genetic import GeneticEngine, Operators
from search.engines.base.tournament import nearer_in_niche, tournament

if TYPE_CHECKING:
    from pymoo.core.algorithm import Algorithm


class UNSGA3Engine(GeneticEngine):
    """NSGA-III whose parents win tournaments within their niche."""

    def algorithm(self, population: int, directions: Array, operators: Operators) -> Algorithm:
        from pymoo.algorithms.moo.unsga3 import UNSGA3

        selection = tournament(operators["seed"], nearer_in_niche)
        return UNSGA3(directions, pop_size=population, selection=selection, **operators)
