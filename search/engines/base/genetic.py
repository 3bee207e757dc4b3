"""Genetic algorithms of pymoo as engines.

Blank and Deb, "pymoo: Multi-Objective Optimization in Python", IEEE Access 8, 2020. Selection and
survival are pymoo's; architectures are vectors of numbers to it, rounded to whole genes.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np

from nasprof.typing import Array
from search.engines.base.breeder import Breeder
from search.engines.base.coroutine import Search
from search.engines.base.population import first_population
from search.quality.ranking import evaluated, violation

# Of what failed: larger than any other violation, and than objectives within their range.
FAILED = 1e3


class GeneticEngine(Breeder):
    """Selection and survival by an algorithm of pymoo.

    Objectives are brought to the range of the first population.
    """

    constrained: ClassVar[bool] = True
    """Whether pymoo's algorithm knows constraints; limits become penalties where not."""
    directed: ClassVar[bool] = False
    """Whether there is one survivor a reference direction."""

    @abstractmethod
    def algorithm(self, population: int, directions: Array, **operators: Any) -> Any:
        """pymoo's algorithm, not set up, with sampling, crossover and mutation as given.

        Args:
            directions: evenly spread, ``(n, n_objectives)``.
        """

    def search(self) -> Search:
        algorithm = self._set_up()
        low, span = np.zeros(1), np.ones(1)
        while (infills := algorithm.ask()) is not None and len(pool := np.atleast_1d(infills)):
            values = yield np.stack([each.X for each in pool]).astype(np.int8)
            if not algorithm.is_initialized:
                low, span = _range(values)
            self._take_in(pool, (values - low) / span, violation(values, self.worst))
            algorithm.tell(infills=infills)

    def _take_in(self, pool: Any, values: Array, excess: Array) -> None:
        """Give every individual its objectives and its violation of the limits."""
        failed = ~evaluated(values)
        excess = np.where(failed, FAILED, excess)
        values = np.where(failed[:, None], FAILED, np.minimum(values, FAILED))
        limited = self._limited
        if not self.constrained:
            values = np.where(excess[:, None] > 0, 10 * (1 + excess[:, None]), values)
        for each, objectives, broken in zip(pool, values, excess, strict=True):
            each.set("F", objectives)
            each.set("G", np.array([broken] if limited else []))
            each.evaluated.update({"F", "G"})

    @property
    def _limited(self) -> bool:
        """Whether pymoo is told of violations, which costs it a quarter of its time."""
        return self.constrained and bool(np.isfinite(self.worst).any())

    def _set_up(self) -> Any:
        from pymoo.core.problem import Problem as Variables
        from pymoo.core.repair import Repair
        from pymoo.core.termination import NoTermination
        from pymoo.operators.crossover.ux import UniformCrossover
        from pymoo.operators.mutation.pm import PolynomialMutation

        space = self.space

        class Rounding(Repair):  # type: ignore[misc]  # its package has no annotations
            def _do(self, problem: Any, X: Any, **_: Any) -> Any:
                return space.canonical(np.around(X).astype(np.int8)).astype(float)

        mutation = {"prob_var": self.mutation} if self.mutation else {}
        size = min(self.population, space.size)
        directions = reference_directions(len(self.worst), size)
        size = len(directions) if self.directed else max(size, len(directions))
        algorithm = self.algorithm(
            size,
            directions,
            sampling=first_population(space, self.rng, size, self.first).astype(float),
            crossover=UniformCrossover(prob=self.crossover),
            mutation=PolynomialMutation(prob=1.0, eta=self.eta, **mutation),
            repair=Rounding(),
            seed=int(self.rng.integers(2**31)),
            termination=NoTermination(),
        )
        variables = Variables(
            n_var=space.n_genes,
            n_obj=len(self.worst),
            n_ieq_constr=1 if self._limited else 0,
            xl=np.zeros(space.n_genes),
            xu=(space.n_choices - 1).astype(float),
        )
        return algorithm.setup(variables)


def _range(values: Array) -> tuple[Array, Array]:
    """Least value and range of each objective over those evaluated: ``(n_objectives,)`` each."""
    known = values[evaluated(values)]
    if len(known) == 0:
        return np.zeros(values.shape[1]), np.ones(values.shape[1])
    span = np.ptp(known, axis=0)
    return known.min(0), np.where(span > 0, span, 1.0)


def reference_directions(n_objectives: int, most: int) -> Array:
    """Up to ``most`` evenly spread directions ``(n, n_objectives)``.

    Das and Dennis 1998; in two layers where one would have no directions but on the boundary (Deb
    and Jain 2014, Sec. IV.A).
    """
    from pymoo.util.ref_dirs import get_reference_directions

    if n_objectives == 1:
        return np.ones((1, 1))

    def lattice(partitions: int) -> Array:
        found: Array = get_reference_directions("das-dennis", n_objectives, n_partitions=partitions)
        return found

    partitions = 1
    while _lattice_size(n_objectives, partitions + 1) <= most:
        partitions += 1
    outer = lattice(partitions)
    inner = next(
        (
            lattice(fewer)
            for fewer in range(partitions, 0, -1)
            if len(outer) + _lattice_size(n_objectives, fewer) <= most
        ),
        None,
    )
    if partitions >= n_objectives or inner is None:
        return outer
    return np.concatenate([outer, 0.5 * inner + 0.5 / n_objectives])


def _lattice_size(n_objectives: int, partitions: int) -> int:
    from math import comb

    return comb(partitions + n_objectives - 1, n_objectives - 1)
