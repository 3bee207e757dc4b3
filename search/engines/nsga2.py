"""NSGA-II, by pymoo: the whole front of any number of objectives.

Deb et al., "A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II", IEEE Trans.
Evolutionary Computation 6(2), 2002; Blank and Deb, "pymoo", IEEE Access 8, 2020.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from search.engines.coroutine import CoroutineEngine, Search
from search.problem import Problem
from search.runs.ranking import evaluated, violation
from spaces import Genes, Space

# Larger than any violation or objective, and still small enough for differences.
_FAILED = 1e30


class NSGA2Engine(CoroutineEngine):
    """Breeds a population towards the front, within limits where there are any.

    Uniform crossover and polynomial mutation, rounded to whole genes. Duplicates of the
    population are bred anew.

    Args:
        worst: largest allowed value of each objective, or inf: ``(n_objectives,)``.
        population: how many survive a generation, and how many children it has.
        first: architectures to begin with ``(n, n_genes)``; random ones fill the population up.
    """

    def __init__(
        self,
        space: Space,
        rng: np.random.Generator,
        worst: NDArray[np.float64],
        *,
        population: int = 100,
        first: Genes | None = None,
    ) -> None:
        self.worst = worst
        self.population = population
        self.first = np.empty((0, space.n_genes), np.int8) if first is None else first
        super().__init__(space, rng)

    @classmethod
    def create(cls, problem: Problem, rng: np.random.Generator) -> Self:
        return cls(problem.space, rng, problem.worst)

    def search(self) -> Search:
        algorithm = self._algorithm()
        while (infills := algorithm.ask()) is not None:
            values = yield infills.get("X").astype(np.int8)
            failed = ~evaluated(values)
            excess = np.where(failed, _FAILED, violation(values, self.worst))
            infills.set("F", np.where(failed[:, None], _FAILED, values))
            infills.set("G", excess[:, None])
            for each in infills:
                each.evaluated.update({"F", "G"})
            algorithm.tell(infills=infills)

    def _algorithm(self) -> Any:
        from pymoo.algorithms.moo.nsga2 import NSGA2
        from pymoo.core.problem import Problem as Variables
        from pymoo.core.repair import Repair
        from pymoo.core.termination import NoTermination
        from pymoo.operators.crossover.ux import UniformCrossover
        from pymoo.operators.mutation.pm import PolynomialMutation

        space = self.space

        class Rounding(Repair):  # type: ignore[misc]  # its package has no annotations
            def _do(self, problem: Any, X: Any, **_: Any) -> Any:
                return space.canonical(np.around(X).astype(np.int8)).astype(float)

        random = space.sample(self.population, self.rng, "biased")
        first = np.unique(np.concatenate([self.first, random])[: self.population], axis=0)
        algorithm = NSGA2(
            pop_size=self.population,
            sampling=first.astype(float),
            crossover=UniformCrossover(),
            mutation=PolynomialMutation(prob=1.0, eta=3.0),
            repair=Rounding(),
            seed=int(self.rng.integers(2**31)),
            termination=NoTermination(),
        )
        variables = Variables(
            n_var=space.n_genes,
            n_obj=len(self.worst),
            n_ieq_constr=1,
            xl=np.zeros(space.n_genes),
            xu=(space.n_choices - 1).astype(float),
        )
        return algorithm.setup(variables)
