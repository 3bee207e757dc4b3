"""Genetic algorithms of pymoo as engines.

Blank and Deb, "pymoo: Multi-Objective Optimization in Python", IEEE Access 8, 2020. Selection and
survival are pymoo's; architectures are vectors of numbers to it, rounded to whole genes.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar, TypedDict

import numpy as np

from nasprof.typing import Array
from search.engines.base.breeding import BreedingSettings
from search.engines.base.coroutine import CoroutineEngine, Search
from search.engines.base.directions import reference_directions
from search.engines.base.population import first_population
from search.quality.ranking import evaluated, violation
from spaces import Space

if TYPE_CHECKING:
    from pymoo.core.algorithm import Algorithm
    from pymoo.core.crossover import Crossover
    from pymoo.core.mutation import Mutation
    from pymoo.core.population import Population
    from pymoo.core.repair import Repair
    from pymoo.core.termination import Termination

# Of what failed: larger than any other violation, and than objectives within their range.
FAILED = 1e3


class Operators(TypedDict):
    """What all algorithms of pymoo are made with; ``sampling`` is the first population."""

    sampling: Array
    crossover: Crossover
    mutation: Mutation
    repair: Repair
    seed: int
    termination: Termination


class GeneticEngine(CoroutineEngine):
    """Selection and survival by an algorithm of pymoo.

    Objectives are brought to the range of the first population.
    """

    settings: BreedingSettings = BreedingSettings()

    constrained: ClassVar[bool] = True
    """Whether pymoo's algorithm knows constraints; limits become penalties where not."""
    directed: ClassVar[bool] = False
    """Whether there is one survivor a reference direction."""

    @abstractmethod
    def algorithm(self, population: int, directions: Array, operators: Operators) -> Algorithm:
        """pymoo's algorithm, not set up.

        Args:
            population: how many survive.
            directions: evenly spread, ``(n, n_objectives)``.
        """

    def search(self) -> Search:
        algorithm = self._set_up()
        low, span = np.zeros(1), np.ones(1)
        while (infills := algorithm.ask()) is not None and len(pool := np.atleast_1d(infills)):
            values = yield np.stack([individual.X for individual in pool]).astype(np.int8)
            if not algorithm.is_initialized:
                low, span = _range(values)
            self._take_in(pool, (values - low) / span, violation(values, self.worst))
            algorithm.tell(infills=infills)

    def _take_in(self, pool: Population, values: Array, excess: Array) -> None:
        """Give every individual its objectives and its violation of the limits."""
        failed = ~evaluated(values)
        excess = np.where(failed, FAILED, excess)
        values = np.where(failed[:, None], FAILED, np.minimum(values, FAILED))
        limited = self._limited
        if not self.constrained:
            values = np.where(excess[:, None] > 0, 10 * (1 + excess[:, None]), values)
        for individual, objectives, broken in zip(pool, values, excess, strict=True):
            individual.set("F", objectives)
            individual.set("G", np.array([broken] if limited else []))
            individual.evaluated.update({"F", "G"})

    @property
    def _limited(self) -> bool:
        """Whether pymoo is told of violations, which costs it a quarter of its time."""
        return self.constrained and bool(np.isfinite(self.worst).any())

    def _set_up(self) -> Algorithm:
        from pymoo.core.problem import Problem as Variables

        space = self.space
        size = min(self.settings.population, space.size)
        directions = reference_directions(len(self.worst), size)
        size = len(directions) if self.directed else max(size, len(directions))
        algorithm = self.algorithm(size, directions, self._operators(size))
        variables = Variables(
            n_var=space.n_genes,
            n_obj=len(self.worst),
            n_ieq_constr=1 if self._limited else 0,
            xl=np.zeros(space.n_genes),
            xu=(space.n_choices - 1).astype(float),
        )
        return algorithm.setup(variables)

    def _operators(self, population: int) -> Operators:
        from pymoo.core.termination import NoTermination
        from pymoo.operators.crossover.ux import UniformCrossover
        from pymoo.operators.mutation.pm import PolynomialMutation

        settings = self.settings
        share = {"prob_var": settings.mutation} if settings.mutation else {}
        genes = first_population(self.space, self.rng, population, self.first)
        return {
            "sampling": genes.astype(float),
            "crossover": UniformCrossover(prob=settings.crossover),
            "mutation": PolynomialMutation(prob=1.0, eta=settings.eta, **share),
            "repair": _rounding(self.space),
            "seed": int(self.rng.integers(2**31)),
            "termination": NoTermination(),
        }


def _rounding(space: Space) -> Repair:
    """Vectors of numbers to the canonical genes nearest to them."""
    from pymoo.core.repair import Repair

    class Rounding(Repair):  # type: ignore[misc]  # its package has no annotations
        def _do(self, problem: object, X: Array, **_: object) -> Array:
            return space.canonical(np.around(X).astype(np.int8)).astype(float)

    return Rounding()


def _range(values: Array) -> tuple[Array, Array]:
    """Least value and range of each objective over those evaluated: ``(n_objectives,)`` each."""
    known = values[evaluated(values)]
    if len(known) == 0:
        return np.zeros(values.shape[1]), np.ones(values.shape[1])
    span = np.ptp(known, axis=0)
    return known.min(0), np.where(span > 0, span, 1.0)
