"""The exact Pareto front of two additive objectives.

Where each group of genes in ``Space.parts`` contributes on its own, a front consists of members of
the groups' fronts: whoever takes a dominated value of a group is dominated by the same network
with the dominating one. So groups are pruned, merged pairwise and pruned again (Nemhauser and
Ullmann 1969, for the knapsack problem). Where a gene is in no group, as the input resolution, that
is done for each of its choices, and the front is that of all their fronts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar, Self

import numpy as np

from nasprof.errors import UsageError
from nasprof.typing import Array
from search.accuracy.ridge import additive_near
from search.engines.base.engine import Engine
from search.objectives.trade_off import TradeOff
from search.problem import Objective, Problem
from search.quality.indicators import non_dominated
from search.quality.ranking import violation
from spaces import Genes

_SAMPLES = 200
_TOLERANCE = 1e-6
_AT_ONCE = 2_000_000


class ExactEngine(Engine):
    """Proposes the exact front, one architecture for each pair of values.

    From the cheapest to the costliest; where a limit is set only what meets it, from the
    costliest down, so that the first is the proven best. It needs nothing to begin with.

    The front is that of the additive objectives nearest to those of the problem, where these are
    not additive themselves.

    Attributes:
        front: genes ``(n, n_genes)`` in the order in which they are proposed.
    """

    n_objectives: ClassVar[tuple[int, int]] = (2, 2)
    ends_itself: ClassVar[bool] = True

    def check(self, problem: Problem) -> None:
        super().check(problem)
        for objective in problem.objectives:
            _require_nearest_additive(objective)

    def setup(self, problem: Problem, rng: np.random.Generator, first: Genes | None = None) -> Self:
        super().setup(problem, rng, first)
        genes, values = exact_front(additive_problem(problem, rng), rng)
        if np.isfinite(problem.worst).any():
            genes = genes[violation(values, problem.worst) == 0][::-1]
        self.front = genes
        self._known: set[bytes] = set()
        self._next = 0
        return self

    @property
    def enough(self) -> int:
        return len(self.front)

    def ask(self, n: int) -> Genes:
        rows: list[Genes] = []
        while self._next < len(self.front) and len(rows) < n:
            if self.front[self._next].tobytes() not in self._known:
                rows.append(self.front[self._next])
            self._next += 1
        return np.array(rows, np.int8).reshape(-1, self.space.n_genes)

    def tell(self, genes: Genes, values: Array) -> None:
        """The front is known already; what is told is only not proposed."""
        self._known.update(row.tobytes() for row in self.space.canonical(genes))


def additive_problem(problem: Problem, rng: np.random.Generator) -> Problem:
    """The same with additive objectives nearest to those that are not.

    Raises:
        UsageError: there is none near one of them.
    """
    objectives = tuple(_nearest_additive(objective, rng) for objective in problem.objectives)
    return replace(problem, objectives=objectives)


def _nearest_additive(objective: Objective, rng: np.random.Generator) -> Objective:
    _require_nearest_additive(objective)
    if objective.additive or objective.nearest_additive is None:
        return objective
    nearest = objective.nearest_additive(rng)
    return replace(objective, function=nearest.function, additive=True)


def _require_nearest_additive(objective: Objective) -> None:
    if not objective.additive and objective.nearest_additive is None:
        raise UsageError(
            f"engine 'exact' needs additive objectives; {objective.name!r} is not",
            "Take a lookup table, or another engine: local, nsga2.",
        )


def exact_front(problem: Problem, rng: np.random.Generator) -> tuple[Genes, Array]:
    """The front without regard to limits, in order of the second objective.

    Returns:
        Genes ``(n, n_genes)`` and objectives to be minimised ``(n, 2)``.

    Raises:
        UsageError: there are not two objectives, or one of them is not additive, naming it.
    """
    _require_additive(problem, rng)
    genes = np.concatenate([_front_from(origin, problem) for origin in problem.space.origins])
    # The sums differ from the objectives in the last digits, which may tip a limit.
    total = problem.values(genes)
    kept = non_dominated(total)
    return genes[kept], total[kept]


def nearest_front(
    trade_off: TradeOff, rng: np.random.Generator, n: int = 8000
) -> tuple[Genes, Array]:
    """The exact front of latency and the additive accuracy nearest to a trade-off's.

    Args:
        n: networks that the additive accuracy is fitted to.

    Returns:
        As of :func:`exact_front`, with the objectives of the additive accuracy.

    Raises:
        UsageError: latency is not additive.
    """
    near = additive_near(trade_off.accuracy, trade_off.space, rng, n)
    return exact_front(TradeOff(trade_off.space, near, trade_off.cost).problem(), rng)


def _front_from(origin: Genes, problem: Problem) -> Genes:
    """The front of networks that are alike in the genes that are in no group: ``(n, n_genes)``.

    Args:
        origin: one of ``Space.origins``, ``(n_genes,)``.
    """
    genes, total = origin[None], problem.values(origin[None])
    start = total[0]
    for part, values in problem.space.parts:
        alone = np.repeat(origin[None], len(values), 0)
        alone[:, part] = values
        effects = problem.values(alone) - start
        kept = non_dominated(effects)
        genes, total = _merged(genes, total, (alone - origin)[kept], effects[kept])
    return genes


def _merged(genes: Genes, total: Array, alone: Genes, effects: Array) -> tuple[Genes, Array]:
    """The front of every sum of a row of ``total`` and one of ``effects``.

    Args:
        genes: ``(n, n_genes)``, 0 where another group has its genes.
        total: objectives of ``genes``, ``(n, 2)``.
        alone: the other group's genes ``(k, n_genes)``, 0 elsewhere.
        effects: what these add, ``(k, 2)``.
    """
    front = np.empty((0, 2))
    origins = np.empty((0, 2), np.int64)
    step = max(1, _AT_ONCE // max(len(total), 1))
    for begin in range(0, len(effects), step):
        chosen = np.arange(begin, min(begin + step, len(effects)))
        sums = (total[None] + effects[chosen, None]).reshape(-1, 2)
        pairs = np.stack(np.meshgrid(chosen, np.arange(len(total)), indexing="ij"), -1)
        front = np.concatenate([front, sums])
        kept = non_dominated(front)
        origins = np.concatenate([origins, pairs.reshape(-1, 2)])[kept]
        front = front[kept]
    return genes[origins[:, 1]] + alone[origins[:, 0]], front


def _require_additive(problem: Problem, rng: np.random.Generator) -> None:
    if len(problem.objectives) != 2:
        names = ", ".join(objective.name for objective in problem.objectives)
        raise UsageError(
            f"engine 'exact' needs two objectives, there are {len(problem.objectives)}: {names}",
            "Take nsga2.",
        )
    for objective in problem.objectives:
        if not objective.additive or not _adds_up(problem, objective.function, rng):
            raise UsageError(
                f"engine 'exact' needs additive objectives; {objective.name!r} is not",
                "Take a lookup table and an additive accuracy model, or engine local or nsga2.",
            )


def _adds_up(
    problem: Problem, function: Callable[[Genes], Array], rng: np.random.Generator
) -> bool:
    """Whether random architectures are worth the sum of what their parts add."""
    space = problem.space
    genes = space.sample(_SAMPLES, rng, "biased")
    base = genes.copy()
    for part, _ in space.parts:
        base[:, part] = 0
    origin = function(base)
    total = origin.copy()
    for part, _ in space.parts:
        alone = base.copy()
        alone[:, part] = genes[:, part]
        total += function(alone) - origin
    values = function(genes)
    return bool(np.abs(total - values).max() <= _TOLERANCE * max(float(np.ptp(values)), 1e-300))
