"""AGE-MOEA, by pymoo: survival by the estimated geometry of the front.

Panichella, "An Adaptive Evolutionary Algorithm Based on Non-Euclidean Geometry for Many-Objective
Optimization", GECCO 2019.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from nasprof.typing import Array
from search.engines.base.genetic import GeneticEngine


class AGEMOEAEngine(GeneticEngine):
    """Survival by fronts, and within the last one by proximity and spread in its own norm."""

    n_objectives: ClassVar[tuple[int, int]] = (2, 15)

    def algorithm(self, population: int, directions: Array, **operators: Any) -> Any:
        return _algorithm()(pop_size=population, **operators)


def _algorithm() -> Any:
    """pymoo's class, which needs numba only to be faster."""
    standing_in = "numba" not in sys.modules
    if standing_in:
        sys.modules["numba"] = _uncompiled()
    try:
        from pymoo.algorithms.moo.age import AGEMOEA
    finally:
        if standing_in:
            del sys.modules["numba"]
    return AGEMOEA


def _uncompiled() -> ModuleType:
    """What of numba is used there: populations of hundreds need no compiled loops."""
    stand_in: Any = ModuleType("numba")
    stand_in.jit = lambda **_: lambda function: function
    stand_in.intp, stand_in.boolean, stand_in.float64 = np.intp, np.bool_, np.float64
    return stand_in  # type: ignore[no-any-return]
