"""Running an engine by its name on a problem, in memory or on disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from nasprof.typing import Array, JsonObject, Progress
from search.archives.archive import Archive
from search.engines import make_engine
from search.engines.base.engine import Engine
from search.executors import Executor, open_executor
from search.problem import Objective, Problem
from search.runs.run import Stop, batch_of, run
from spaces import Genes


@dataclass(frozen=True)
class Start:
    """What a search begins with.

    Args:
        genes: architectures to begin with ``(n, n_genes)``, most important first.
        known: objectives to be minimised that need no evaluation, by genes as bytes.
        facts: where that is from, as JSON values.
    """

    genes: Genes
    known: Mapping[bytes, Array] = field(default_factory=dict)
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Trial:
    """An engine on a problem.

    Args:
        stop: when it ends; None lets an engine that ends by itself end, and others make as many
            evaluations as suit them.
        settings: of the engine, where not its defaults.
        start: what it begins with.
        path: the archive on disk, begun or gone on with; in memory only if None.
        fresh: forget what the file holds.
        executor: opens what evaluates a problem; in this process unless given.
        budgets: what the limits follow from, by objective, as JSON values: an archive that was
            begun with the same ones is gone on with, within the limits that they were then.
    """

    problem: Problem
    engine: str
    stop: Stop | None = None
    seed: int = 0
    settings: Mapping[str, object] = field(default_factory=dict)
    start: Start | None = None
    path: Path | None = None
    fresh: bool = False
    executor: Callable[[Problem], Executor] | None = None
    budgets: Mapping[str, object] = field(default_factory=dict)

    def run(self, progress: Progress | None = None) -> Archive:
        """Search; everything evaluated, in order.

        Raises:
            UsageError: the engine is not made for that.
        """
        with self.opened() as archive:
            self.go_on(archive, progress)
        return archive

    def opened(self) -> Archive:
        """The archive, which holds what was evaluated before, and the limits to go on with.

        Raises:
            BudgetImpossible: no architecture meets a limit.
        """
        self.problem.require_possible()
        return Archive(self.problem, self._facts(), self.path, fresh=self.fresh)

    def go_on(self, archive: Archive, progress: Progress | None = None) -> str | None:
        """Search until it is enough; why it ended early, None if it did not.

        Raises:
            TooManyFailures: with the traceback of the first one.
        """
        engine = self._engine(archive.problem)
        known = {} if self.start is None else self.start.known
        opened = self.executor or (lambda problem: open_executor("serial", problem))
        with opened(archive.problem) as executor:
            stop = self.stop or Stop(engine.enough)
            return run(engine, archive, stop, executor=executor, known=known, progress=progress)

    def check(self) -> None:
        """Refuse an engine that is not made for the problem, or has no such settings.

        Raises:
            UsageError: saying why, and what is.
        """
        make_engine(self.engine, self.settings).check(self.problem)

    def _engine(self, problem: Problem) -> Engine:
        rng = np.random.default_rng(self.seed)
        first = None if self.start is None else self.start.genes
        return make_engine(self.engine, self.settings).setup(problem, rng, first)

    def _facts(self) -> JsonObject:
        facts = {"engine": self.engine, "seed": self.seed, "batch": batch_of(self.problem)}
        settings = {"settings": dict(self.settings)} if self.settings else {}
        start = {} if self.start is None else {"start": dict(self.start.facts)}
        budgets = {"budgets": dict(self.budgets)} if self.budgets else {}
        return {**facts, **settings, **start, **budgets}


def reference(problem: Problem, values: Array) -> Array:
    """Where hypervolumes end: the worst there is of each objective, to be minimised.

    Of objectives whose range is known the worst end of it, of other predicted ones the worse of
    the smallest and the largest architecture, of evaluated ones the worst of ``values``, which
    are ``(n, n_objectives)``.
    """
    space = problem.space
    ends = space.canonical(np.stack([np.zeros(space.n_genes, np.int8), space.n_choices - 1]))
    columns = zip(problem.objectives, problem.signs, values.T, strict=True)
    return np.array([_worst(objective, sign, ends, column) for objective, sign, column in columns])


def _worst(objective: Objective, sign: float, ends: Genes, values: Array) -> float:
    if objective.extremes is not None:
        return float(max(sign * end for end in objective.extremes()))
    if objective.kind == "evaluated":
        known = values[np.isfinite(values)]
        return float(known.max()) if len(known) else 0.0
    return float((sign * objective.function(ends)).max())


def union(archives: Sequence[Archive]) -> tuple[Genes, Array]:
    """Everything in several archives of one space: genes and objectives to be minimised."""
    genes = np.concatenate([archive.genes for archive in archives])
    return genes, np.concatenate([archive.values for archive in archives])
