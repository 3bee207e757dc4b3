"""What every search engine offers.

An engine is made from its settings, set up for a problem, and then proposes genes
(:meth:`Engine.ask`) and learns what they are worth (:meth:`Engine.tell`), as algorithms of pymoo
do. It opens no files, devices or data, so that all engines can be compared on the same ground.

An engine has no state to be saved: a search that was interrupted is resumed by *replay*. Set up
anew with the same problem, seed and ``first``, and told the values that are known already in the
place of an evaluation, it proposes the same architectures again and goes on where it was
(:func:`search.runs.run.run` does that from an archive). So what it proposes may depend on nothing
but these: neither on time, nor on when it was told.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Self

import numpy as np

from nasprof.errors import UsageError
from nasprof.settings import Settings
from nasprof.typing import Array
from search.engines import engines
from search.problem import Problem
from spaces import Genes, Space

MANY = 1000


class Engine(ABC):
    """Proposes architectures of one space; every value it is told is to be minimised.

    Attributes:
        problem: what it searches for, once it is set up.
        space: the problem's.
        worst: largest allowed value of each objective, or inf: ``(n_objectives,)``.
        rng: its only source of randomness.
        first: canonical architectures to begin with ``(n, n_genes)``, most important first.
    """

    settings: Settings = Settings()
    """Those of the class are the defaults."""
    n_objectives: ClassVar[tuple[int, int]] = (1, MANY)
    """Least and largest number of objectives that it can search with."""
    needs_limit: ClassVar[bool] = False
    """Whether it can do nothing but look for one best architecture within limits."""
    seeks_best: ClassVar[bool] = False
    """Whether it looks for one best architecture where limits leave one objective to improve."""
    predicts: ClassVar[bool] = False
    """Whether it searches on predictions of its own."""
    evaluations: ClassVar[int] = 5000
    """How many it makes where nobody says how many."""
    ends_itself: ClassVar[bool] = False
    """Whether it needs no such number, since it knows what there is to evaluate."""

    problem: Problem
    space: Space
    worst: Array
    rng: np.random.Generator
    first: Genes

    def __init__(self, settings: Settings | None = None) -> None:
        expected = type(type(self).settings)
        if settings is not None and not isinstance(settings, expected):
            raise UsageError(
                f"settings of {type(self).__name__} are {settings!r}",
                f"Make a {expected.__name__}.",
            )
        self.settings = expected() if settings is None else settings

    def check(self, problem: Problem) -> None:
        """Refuse a problem that it is not made for; takes next to no time.

        Raises:
            UsageError: saying why, and which engines are.
        """
        _require_objectives(type(self), problem)
        if self.needs_limit:
            _require_limit(problem)

    def setup(self, problem: Problem, rng: np.random.Generator, first: Genes | None = None) -> Self:
        """Begin a search; whatever it did before is forgotten.

        Args:
            rng: the only source of randomness.
            first: architectures to begin with ``(n, n_genes)``, most important first.

        Returns:
            The engine itself.

        Raises:
            UsageError: as of :meth:`check`; genes of ``first`` are not of the space.
        """
        self.check(problem)
        self.problem, self.space, self.worst = problem, problem.space, problem.worst
        self.rng = rng
        none = np.empty((0, problem.space.n_genes), np.int8)
        self.first = none if first is None else problem.space.canonical(first)
        return self

    @abstractmethod
    def ask(self, n: int) -> Genes:
        """Up to ``n`` new architectures ``(m, n_genes)``, canonical and never proposed before.

        Fewer than ``n`` when the engine has to be told of those first. None when it was told of
        all and is at its end.
        """

    @abstractmethod
    def tell(self, genes: Genes, values: Array) -> None:
        """Learn the objectives ``(n, n_objectives)`` of architectures ``(n, n_genes)``."""

    @property
    def enough(self) -> int:
        """How many evaluations it makes where nobody says how many."""
        return self.evaluations


def _require_objectives(engine: type[Engine], problem: Problem) -> None:
    """Refuse a number of objectives that an engine cannot search with.

    Raises:
        UsageError: naming the engines that can.
    """
    n = len(problem.objectives)
    least, most = engine.n_objectives
    if least <= n <= most:
        return
    free = not np.isfinite(problem.worst).any()
    able = [
        name
        for name in engines
        if _able(engines.get(name), n) and not (free and n > 1 and engines.get(name).needs_limit)
    ]
    number = str(least) if least == most else f"at least {least}" if n < least else f"up to {most}"
    names = ", ".join(objective.name for objective in problem.objectives)
    raise UsageError(
        f"this engine needs {number} objectives, there are {n}: {names}",
        f"Engines for {n}: {', '.join(able)}.",
    )


def _able(engine: type[Engine], n_objectives: int) -> bool:
    least, most = engine.n_objectives
    return least <= n_objectives <= most


def _require_limit(problem: Problem) -> None:
    """Refuse a problem of several objectives where none but the first is limited.

    Raises:
        UsageError: naming the engines that search whole fronts.
    """
    if len(problem.objectives) > 1 and not np.isfinite(problem.worst[1:]).any():
        others = ", ".join(name for name in engines if not engines.get(name).needs_limit)
        limited = ", ".join(objective.name for objective in problem.objectives[1:])
        raise UsageError(
            f"this engine looks for the best within a limit; none is set on {limited}",
            f"Set a budget, or take an engine that searches the whole front: {others}.",
        )


def one_left(worst: Array) -> bool:
    """Whether limits leave only the first objective to improve.

    Args:
        worst: largest allowed value of each objective, or inf: ``(n_objectives,)``.
    """
    return bool(np.isfinite(worst[1:]).all())
