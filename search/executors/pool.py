"""Workers in processes of their own: who does what, and what is done again when one dies."""

from __future__ import annotations

import pickle
from abc import abstractmethod
from collections import deque
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Generic, TypeVar

import numpy as np

from nasprof.errors import NasprofError, UsageError
from nasprof.typing import Array
from search.executors.base import Executor, require_idle
from search.executors.evaluation import Evaluation
from search.executors.worker import Answer, Sign
from search.problem import Problem
from spaces import Genes

_DEATHS = 2
_FAILED_STARTS = 3


W = TypeVar("W", bound=Hashable)
"""A worker, as its pool knows it."""


@dataclass
class _Job:
    """A job, and what is known of it."""

    number: int
    genes: Genes
    values: Array
    errors: list[str | None]
    traceback: str | None = None
    cpu_s: float = 0.0
    missing: int = field(init=False)

    def __post_init__(self) -> None:
        self.missing = len(self.genes)


@dataclass
class _Piece:
    """Rows of a job that a worker does at once, and how many workers died of them."""

    job: _Job
    rows: Sequence[int]
    deaths: int = 0


class Pool(Executor, Generic[W]):
    """Gives each worker one piece of work at a time, and replaces workers that die.

    What a worker died of is done by another one. If that dies as well, the rows of the job are
    done one at a time, so that only those fail which end a worker all by themselves.

    Args:
        problem: to be evaluated.
        workers: how many; they are started when there is something to do for them.

    Raises:
        UsageError: the problem cannot be given to other processes.
    """

    def __init__(self, problem: Problem, workers: int) -> None:
        self.workers = workers
        self._set_problem(problem)
        self._queue: deque[_Piece] = deque()
        self._starting: set[W] = set()
        self._outdated: set[W] = set()
        self._idle: list[W] = []
        self._busy: dict[W, _Piece] = {}
        self._outstanding = 0
        self._finished: list[tuple[int, Evaluation]] = []
        self._failed_starts = 0
        self._error: NasprofError | None = None

    @abstractmethod
    def _start(self) -> W:
        """Start a worker, which will say that it is ready."""

    @abstractmethod
    def _load(self, worker: W) -> None:
        """Give a worker the problem again, and hear that it is ready; it may have died."""

    @abstractmethod
    def _give(self, worker: W, genes: Genes) -> None:
        """Have an idle worker evaluate ``genes``; it may have died in the meantime."""

    @abstractmethod
    def _arrivals(self) -> list[tuple[W, Answer]]:
        """What workers have said, or that they died; nothing after about a second.

        Raises:
            NasprofError: none of the workers can be reached any more.
        """

    def submit(self, job: int, genes: Genes) -> None:
        unknown = np.full((len(genes), self._n_objectives), np.nan)
        new = _Job(job, genes, unknown, [None] * len(genes))
        self._queue.append(_Piece(new, range(len(genes))))
        self._outstanding += 1
        self._employ()

    def change_problem(self, problem: Problem) -> None:
        require_idle(self._outstanding)
        self._set_problem(problem)
        # Those that start now may have been given the former problem already.
        self._outdated = {*self._idle, *self._starting}

    def _set_problem(self, problem: Problem) -> None:
        self._payload = pickled(problem)
        self._n_objectives = len(problem.objectives)

    def wait(self) -> list[tuple[int, Evaluation]]:
        while self._outstanding and not self._finished:
            if self._error is not None:
                raise self._error
            self._employ()
            for worker, answer in self._arrivals():
                self._hear(worker, answer)
        finished, self._finished = self._finished, []
        self._employ()
        return finished

    def _employ(self) -> None:
        """Give idle workers what waits, and start as many as are missing."""
        while self._queue and self._idle:
            worker = self._idle.pop()
            if worker in self._outdated:
                self._outdated.remove(worker)
                self._starting.add(worker)
                self._load(worker)
                continue
            piece = self._queue.popleft()
            self._busy[worker] = piece
            self._give(worker, piece.job.genes[list(piece.rows)])
        lacking = self.workers - len(self._busy) - len(self._idle)
        for _ in range(min(len(self._queue), lacking) - len(self._starting)):
            self._starting.add(self._start())

    def _hear(self, worker: W, answer: Answer) -> None:
        starting, piece = worker in self._starting, self._busy.pop(worker, None)
        self._starting.discard(worker)
        if isinstance(answer, NasprofError):
            self._error = answer
        elif answer is Sign.DIED:
            self._bury(worker, starting, piece)
        else:
            self._failed_starts = 0
            self._idle.append(worker)
            if piece is not None and isinstance(answer, Evaluation):
                self._record(piece, answer)

    def _bury(self, worker: W, starting: bool, piece: _Piece | None) -> None:
        self._outdated.discard(worker)
        if worker in self._idle:
            self._idle.remove(worker)
        if piece is not None:
            self._repeat(piece)
        if starting:
            self._failed_starts += 1
            if self._failed_starts == _FAILED_STARTS:
                self._error = NasprofError(
                    f"{_FAILED_STARTS} workers in a row ended while they started",
                    "Is there enough memory? Fewer workers need less: --workers.",
                )

    def _repeat(self, piece: _Piece) -> None:
        """Do again what a worker died of, before anything else, or let it be."""
        piece.deaths += 1
        if piece.deaths < _DEATHS:
            self._queue.appendleft(piece)
        elif len(piece.rows) > 1:
            rows = [_Piece(piece.job, [row], piece.deaths - 1) for row in piece.rows]
            self._queue.extendleft(reversed(rows))
        else:
            unknown = np.full((1, self._n_objectives), np.nan)
            died = ("the worker died twice while evaluating it",)
            self._record(piece, Evaluation(unknown, died))

    def _record(self, piece: _Piece, evaluation: Evaluation) -> None:
        job = piece.job
        job.values[list(piece.rows)] = evaluation.values
        for row, error in zip(piece.rows, evaluation.errors, strict=True):
            job.errors[row] = error
        job.traceback = job.traceback or evaluation.traceback
        job.cpu_s += evaluation.cpu_s
        job.missing -= len(piece.rows)
        if not job.missing:
            whole = Evaluation(job.values, tuple(job.errors), job.traceback, job.cpu_s)
            self._finished.append((job.number, whole))
            self._outstanding -= 1


class _Pickler(pickle.Pickler):
    """Refuses what other processes could not find."""

    def reducer_override(self, value: object) -> Any:
        if getattr(value, "__module__", None) == "__main__" and hasattr(value, "__qualname__"):
            raise pickle.PicklingError(f"{value.__qualname__} is defined in the script that runs")
        return NotImplemented


def pickled(problem: Problem) -> bytes:
    """A problem for other processes, which find its functions and classes by their names.

    Raises:
        UsageError: an objective is measured on a device, or cannot be pickled.
    """
    for objective in problem.objectives:
        if objective.device is not None:
            raise UsageError(
                f"objective {objective.name!r} is measured on {objective.device!r}, "
                "which no other process may use at the same time",
                "Take --executor serial: different devices work at the same time there as well.",
            )
        _dump(objective, f"objective {objective.name!r}")
    return _dump(problem, f"the problem in {problem.space.label}")


def _dump(value: object, what: str) -> bytes:
    buffer = BytesIO()
    try:
        _Pickler(buffer, pickle.HIGHEST_PROTOCOL).dump(value)
    except Exception as error:
        # Which exception says that something cannot be pickled depends on what it is.
        raise UsageError(
            f"{what} cannot be given to other processes: {error}",
            "Make its function one of a module that can be imported, or take --executor serial.",
        ) from error
    return buffer.getvalue()
