"""Running an engine: ask, evaluate, keep, tell, until it is enough."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from nasprof.errors import NasprofError
from nasprof.threads import one_thread
from nasprof.typing import Array, Progress
from search.archives.archive import Archive, ArchiveMismatch, Record
from search.engines.base.engine import Engine
from search.executors import Evaluation, Executor, open_executor
from search.problem import Problem
from search.quality.indicators import non_dominated
from search.quality.ranking import evaluated, violation
from spaces import Genes

BATCH = 64
_FAILED_SHARE = 0.25


class TooManyFailures(NasprofError):
    """So many architectures could not be evaluated that something else must be wrong."""


@dataclass(frozen=True)
class Stop:
    """When a search ends, if its engine does not end first.

    Args:
        evaluations: architectures evaluated.
        seconds: of this run; what an archive holds already takes next to none.
        patience: evaluations in a row, as they were proposed, that did not change the front.
        failures: architectures that may fail before a quarter of all is too many.
    """

    evaluations: int
    seconds: float | None = None
    patience: int | None = None
    failures: int = 20


def batch_of(problem: Problem) -> int:
    """How many architectures make a job: one where each takes long, many where models answer."""
    slow = any(objective.kind == "evaluated" for objective in problem.objectives)
    return 1 if slow else BATCH


def run(
    engine: Engine,
    archive: Archive,
    stop: Stop | int,
    *,
    batch: int | None = None,
    progress: Progress | None = None,
    executor: Executor | None = None,
    known: Mapping[bytes, Array] | None = None,
) -> str | None:
    """Let an engine search until it is enough, or the engine is at its end.

    What the archive holds already is not evaluated: the engine, which has to be new, proposes it
    again and is told. Interrupted and gone on with, a search is the same as without interruption,
    as long as engine, seed and ``batch`` are the same. What engines propose depends on what they
    were told, not on when: the executor changes nothing but the order of lines. Patience and
    failures are counted in the order of proposals, up to the first that is not evaluated yet; and
    nothing is proposed that may lie beyond the end that patience sets, so that several workers
    evaluate what one would. Only where too much fails they may have evaluated a little more.
    Everything evaluated is in the archive at any moment, also after an exception.

    Args:
        stop: or the number of evaluations.
        batch: how many the engine is asked for at a time; :func:`batch_of` unless given.
        executor: evaluates the archive's problem; in this process unless given.
        known: objectives to be minimised of architectures that need no evaluation, by their genes
            as bytes.

    Returns:
        Why it ended before all evaluations were made; None if they were.

    Raises:
        ArchiveMismatch: the engine proposes something else than the archive holds.
        TooManyFailures: with the traceback of the first one.
    """
    stop = Stop(stop) if isinstance(stop, int) else stop
    executor = executor or open_executor("serial", archive.problem)
    size = batch_of(archive.problem) if batch is None else batch
    with one_thread():
        return _Search(engine, archive, stop, executor, size, progress, known or {}).run()


@dataclass
class _Job:
    """Architectures that were proposed together.

    Args:
        first: index of the first of them in the order of proposals.
        genes: ``(n, n_genes)``.
        records: what is known of each, None where it has to be evaluated.
        traceback: of the first failure that raised an exception.
    """

    first: int
    genes: Genes
    records: list[Record | None]
    traceback: str | None = None

    @property
    def values(self) -> Array:
        """Objectives to be minimised of a job that is complete, ``(n, n_objectives)``."""
        return np.array([record.values for record in self.records if record is not None])

    def complete(self, evaluation: Evaluation) -> None:
        """Fill in what was not known."""
        rows = zip(self.genes.tolist(), evaluation.values.tolist(), evaluation.errors, strict=True)
        fresh = [Record(*row) for row in rows]
        self.records = [old or new for old, new in zip(self.records, fresh, strict=True)]
        self.traceback = evaluation.traceback


@dataclass
class _Search:
    """A search under way.

    Args:
        proposed: architectures proposed.
        finished: of those, how many are evaluated.
        judged: of those, how many come before the first that is not.
        failed: failures among those judged.
        traceback: of the first of them that raised an exception.
        jobs: at work, by the index of their first architecture.
        overtaking: complete, but not judged yet, likewise.
    """

    engine: Engine
    archive: Archive
    stop: Stop
    executor: Executor
    batch: int
    progress: Progress | None
    known: Mapping[bytes, Array]
    proposed: int = 0
    finished: int = 0
    judged: int = 0
    failed: int = 0
    traceback: str | None = None
    jobs: dict[int, _Job] = field(default_factory=dict)
    overtaking: dict[int, _Job] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._began = time.monotonic()
        self._front = np.empty((0, len(self.archive.problem.objectives)))
        self._changed = 0

    def run(self) -> str | None:
        """Work until it is enough; why it ended early."""
        while True:
            reason = self._reason()
            while reason is None and len(self.jobs) < self.executor.workers and self._propose():
                reason = self._reason()
            if not self.jobs:
                return reason or self._ended()
            for number, evaluation in self.executor.wait():
                self._complete(number, evaluation)

    def _reason(self) -> str | None:
        """Why nothing more should be proposed, but for the number of evaluations."""
        stop = self.stop
        if stop.seconds is not None and time.monotonic() - self._began >= stop.seconds:
            return f"{stop.seconds:g} s are over"
        if self._patience_ends(self.judged):
            return f"the last {self.judged - self._changed} evaluations did not change the front"
        return None

    def _patience_ends(self, index: int) -> bool:
        """Whether the search ends there, should nothing change the front until then."""
        return self.stop.patience is not None and index - self._changed >= self.stop.patience

    def _ended(self) -> str | None:
        if self.finished >= self.stop.evaluations:
            return None
        return "the engine has nothing more to propose"

    def _propose(self) -> bool:
        """Ask for one more job; whether there was one."""
        left = self.stop.evaluations - self.proposed
        if left <= 0 or self._patience_ends(self.proposed):
            return False
        if len(genes := self.engine.ask(self.batch)[:left]) == 0:
            return False
        records = [self._known(index, row) for index, row in enumerate(genes, self.proposed)]
        job = _Job(self.proposed, genes, records)
        self.proposed += len(genes)
        if None in job.records:
            self.jobs[job.first] = job
            # The whole job, since the last digits may depend on how many are evaluated at a time.
            self.executor.submit(job.first, genes)
        else:
            self._keep(job)
        return True

    def _known(self, index: int, genes: Genes) -> Record | None:
        """What is known of the architecture of that index; None if nothing is."""
        held = self.archive.records.get(index)
        if held is not None:
            if held.genes != genes.tolist():
                raise ArchiveMismatch(
                    "the archive holds other architectures than this search proposes",
                    "It is of another version of the models or of nasprof: begin anew with "
                    "--fresh.",
                )
            return held
        values = self.known.get(genes.tobytes())
        return None if values is None else Record(genes.tolist(), values.tolist())

    def _complete(self, number: int, evaluation: Evaluation) -> None:
        job = self.jobs.pop(number)
        job.complete(evaluation)
        self._keep(job)

    def _keep(self, job: _Job) -> None:
        """Write what is new, and tell the engine."""
        records = [record for record in job.records if record is not None]
        values = job.values
        new = [at for at in range(len(records)) if job.first + at not in self.archive.records]
        for start, end in _stretches(new):
            errors = [record.error for record in records[start:end]]
            self.archive.add(job.genes[start:end], values[start:end], errors, job.first + start)
        self.engine.tell(job.genes, values)
        self.finished += len(records)
        self.overtaking[job.first] = job
        while self.judged in self.overtaking:
            self._judge(self.overtaking.pop(self.judged))
        if self.progress is not None:
            self.progress(self.finished, self.stop.evaluations)

    def _judge(self, job: _Job) -> None:
        """Look at the next job in the order of proposals."""
        self.judged += len(job.genes)
        self.traceback = self.traceback or job.traceback
        self._watch(job.values)
        self._count_failures(job.values)

    def _watch(self, values: Array) -> None:
        """Note whether the front changes."""
        if self.stop.patience is None:
            return
        within = values[violation(values, self.archive.problem.worst) == 0]
        both = np.concatenate([self._front, within])
        front = both[non_dominated(both)]
        if not np.array_equal(front, self._front):
            self._front, self._changed = front, self.judged

    def _count_failures(self, values: Array) -> None:
        self.failed += int((~evaluated(values)).sum())
        if self.failed <= max(self.stop.failures, _FAILED_SHARE * self.judged):
            return
        first = next((error for error in self.archive.errors if error), "it returned no number")
        raise TooManyFailures(
            f"{self.failed} of {self.judged} architectures could not be evaluated; the first: "
            f"{first}\n{self.traceback or ''}".rstrip(),
            "Mend what fails, and search anew elsewhere: -o FOLDER --warm-start with this archive "
            "uses what was evaluated.",
        )


def _stretches(indices: list[int]) -> list[tuple[int, int]]:
    """Runs of neighbouring numbers in ascending ones, each as its first and the one after it."""
    breaks = [at for at in range(1, len(indices)) if indices[at] != indices[at - 1] + 1]
    starts, ends = [0, *breaks], [*breaks, len(indices)]
    return [(indices[a], indices[b - 1] + 1) for a, b in zip(starts, ends, strict=True) if a < b]
