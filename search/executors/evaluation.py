"""Evaluating architectures: what fails is said, and spoils nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from threading import Thread
from traceback import format_exception
from typing import TypeVar

import numpy as np

from devices.errors import DeviceError
from nasprof.threads import one_thread
from nasprof.typing import Array
from search.problem import EvaluationImpossible, Objective, Problem
from spaces import Genes

T = TypeVar("T")

ENDING = (DeviceError, EvaluationImpossible)
"""Errors that no architecture is to blame for; they end whatever asked for evaluations."""
_LONGEST_ERROR = 300


@dataclass(frozen=True)
class Evaluation:
    """What became of architectures that were evaluated.

    Args:
        values: to be minimised ``(n, n_objectives)``; a row that failed is nan throughout.
        errors: of each row, one line on what went wrong, or None.
        traceback: of the first failure that raised an exception.
        cpu_s: CPU seconds of other processes, with those of starting where one was started for it.
    """

    values: Array
    errors: tuple[str | None, ...]
    traceback: str | None = None
    cpu_s: float = 0.0


@dataclass
class _Column:
    """One objective: values ``(n,)`` in its own unit, and what went wrong in each row."""

    values: Array
    errors: list[str | None]
    traceback: str | None = None


def evaluate(problem: Problem, genes: Genes) -> Evaluation:
    """Every objective of architectures ``(n, n_genes)``, with numpy on one thread.

    An objective is asked for all of them at once, and where that fails for those alone that
    failed. Objectives that have no device come first, so that they disturb no measurement; then
    the devices, all at the same time, each with one thing to do at a time.

    Raises:
        DeviceError: a device cannot be used any more; no architecture is to blame for that.
        EvaluationImpossible: likewise something else that an objective depends on.
    """
    with one_thread():
        columns = _columns(problem.objectives, genes)
    by_row = zip(*(column.errors for column in columns), strict=True)
    errors = tuple(next(filter(None, row), None) for row in by_row)
    values = problem.signs * np.stack([column.values for column in columns], 1)
    values[[error is not None for error in errors]] = np.nan
    traceback = next(filter(None, (column.traceback for column in columns)), None)
    return Evaluation(values, errors, traceback)


def _columns(objectives: Sequence[Objective], genes: Genes) -> list[_Column]:
    columns: dict[int, _Column] = {}

    def evaluate_on(device: str | None) -> None:
        for number, objective in enumerate(objectives):
            if objective.device == device:
                columns[number] = _column(objective, genes)

    evaluate_on(None)
    devices = dict.fromkeys(
        objective.device for objective in objectives if objective.device is not None
    )
    _at_once([partial(evaluate_on, device) for device in devices])
    return [columns[number] for number in range(len(objectives))]


def _at_once(tasks: Sequence[Callable[[], T]]) -> list[T]:
    """Results of tasks, each done by a thread of its own; none is waited for after Ctrl-C."""
    if len(tasks) == 1:
        return [tasks[0]()]
    futures: list[Future[T]] = [Future() for _ in tasks]
    for future, task in zip(futures, tasks, strict=True):
        Thread(target=_fulfil, args=(future, task), daemon=True).start()
    for future in futures:
        future.exception()
    return [future.result() for future in futures]


def _fulfil(future: Future[T], task: Callable[[], T]) -> None:
    try:
        future.set_result(task())
    except BaseException as error:
        future.set_exception(error)


def _column(objective: Objective, genes: Genes) -> _Column:
    column = _attempt(objective, genes)
    if len(genes) == 1:
        return column
    tracebacks = []
    for row in [row for row, error in enumerate(column.errors) if error]:
        alone = _attempt(objective, genes[row : row + 1])
        column.values[row], column.errors[row] = alone.values[0], alone.errors[0]
        tracebacks.append(alone.traceback)
    column.traceback = next(filter(None, tracebacks), None)
    return column


def _attempt(objective: Objective, genes: Genes) -> _Column:
    """Ask an objective once; where there is no value for each row, all of them failed."""
    try:
        # A copy, since what the function writes into it is no concern of the next one.
        values = np.asarray(objective.function(genes.copy()))
    except ENDING:
        raise
    except (Exception, SystemExit) as error:
        # What ends a script must not end the search.
        said = _line(f"{type(error).__name__}: {error}")
        return _failed(objective, genes, f"raised {said}", _traceback(error))
    if values.shape != (len(genes),) or values.dtype.kind not in "biuf":
        got = f"{values.dtype} of shape {values.shape}"
        return _failed(objective, genes, f"returned {got}, expected numbers ({len(genes)},)")
    errors: list[str | None] = [None] * len(genes)
    for row in np.flatnonzero(~np.isfinite(values)):
        errors[row] = f"objective {objective.name!r} returned {values[row]}"
    return _Column(values.astype(np.float64), errors)


def _failed(objective: Objective, genes: Genes, why: str, traceback: str | None = None) -> _Column:
    error = f"objective {objective.name!r} {why}"
    return _Column(np.full(len(genes), np.nan), [error] * len(genes), traceback)


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_ERROR else f"{line[:_LONGEST_ERROR]}..."


def _traceback(error: BaseException) -> str:
    """From the objective's function on."""
    frames = error.__traceback__ and error.__traceback__.tb_next
    return "".join(format_exception(type(error), error, frames))
