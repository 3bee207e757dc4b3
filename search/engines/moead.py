"""MOEA/D, by pymoo: many neighbouring problems of one objective each.

Zhang and Li, "MOEA/D: A Multiobjective Evolutionary Algorithm Based on Decomposition", IEEE Trans.
Evolutionary Computation 11(6), 2007. Limits are penalties, since it knows no constraints.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from nasprof.typing import Array
from search.engines.base.genetic import GeneticEngine, Operators

if TYPE_CHECKING:
    from pymoo.core.algorithm import Algorithm


class MOEADEngine(GeneticEngine):
    """As many problems as there are directions, a generation of them at a time."""

    n_objectives: ClassVar[tuple[int, int]] = (2, 15)
    constrained: ClassVar[bool] = False
    directed: ClassVar[bool] = True

    def algorithm(self, population: int, directions: Array, operators: Operators) -> Algorithm:
        from pymoo.algorithms.moo.moead import ParallelMOEAD
        from pymoo.decomposition.pbi import PBI
        from pymoo.decomposition.tchebicheff import Tchebicheff

        return ParallelMOEAD(
            directions,
            n_neighbors=min(20, len(directions)),
            decomposition=Tchebicheff() if directions.shape[1] == 2 else PBI(),
            **operators,
        )
