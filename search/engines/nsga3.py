"""NSGA-III with the operators of NAT: the front of many objectives.

Deb and Jain, "An Evolutionary Many-Objective Optimization Algorithm Using Reference-Point-Based
Nondominated Sorting Approach, Part I", IEEE Trans. Evolutionary Computation 18(4), 2014; Lu et
al., "Neural Architecture Transfer", IEEE TPAMI 43(9), 2021, Sec. 3.3 and Table 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nasprof.settings import setting
from nasprof.typing import Array
from search.engines.base.breeding import BreedingSettings
from search.engines.base.genetic import GeneticEngine, Operators
from search.engines.base.tournament import tournament

if TYPE_CHECKING:
    from pymoo.core.algorithm import Algorithm


@dataclass(frozen=True)
class NSGA3Settings(BreedingSettings):
    """The operators of NAT."""

    mutation: float = setting(
        0.1, "share of the genes that mutate; 0: one a child on average", 0, 1
    )
    eta: float = setting(1.0, "of the mutation: the larger, the smaller the change", 0)


class NSGA3Engine(GeneticEngine):
    """Survival by fronts, and within the last one by evenly spread directions."""

    settings: NSGA3Settings = NSGA3Settings()

    def algorithm(self, population: int, directions: Array, operators: Operators) -> Algorithm:
        from pymoo.algorithms.moo.nsga3 import NSGA3

        selection = tournament(operators["seed"])
        return NSGA3(directions, pop_size=population, selection=selection, **operators)
