"""C-TAEA, by pymoo: one archive for convergence within limits, one for diversity beyond them.

Li et al., "Two-Archive Evolutionary Algorithm for Constrained Multiobjective Optimization", IEEE
Trans. Evolutionary Computation 23(2), 2019.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from nasprof.typing import Array
from search.engines.base.genetic import GeneticEngine, Operators

if TYPE_CHECKING:
    from pymoo.core.algorithm import Algorithm


class CTAEAEngine(GeneticEngine):
    """Two archives that mate; as many survive as there are directions."""

    n_objectives: ClassVar[tuple[int, int]] = (2, 15)
    directed: ClassVar[bool] = True

    def algorithm(self, population: int, directions: Array, operators: Operators) -> Algorithm:
        from pymoo.algorithms.moo.ctaea import CTAEA

        return CTAEA(directions, **operators)
