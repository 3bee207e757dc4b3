"""Accuracies of a supernet's networks by any executor, which passes on rows of numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import numpy as np

from nasprof.classification import Accuracy
from nasprof.errors import NasprofError
from nasprof.typing import Array
from search.executors import Executor
from search.objectives.supernet_accuracy import SupernetEvaluator
from search.problem import EvaluationImpossible, Objective, Problem
from spaces import Genes

if TYPE_CHECKING:
    from supernets.evaluation import Evaluation

_ABSENT = -1.0
"""In the place of a number that there is not: a row with NaN is one that failed."""
_FIXED = 9
"""Numbers of a row before those of the classes."""


def to_row(evaluation: Evaluation, inherited: float | None) -> tuple[float, ...]:
    """What is known of a network, as numbers.

    Args:
        evaluation: its accuracy.
        inherited: top-1 without recalibrated batch norm, where that was asked for.
    """
    accuracy = evaluation.accuracy
    known = (
        accuracy.n,
        accuracy.top1,
        accuracy.low,
        accuracy.high,
        accuracy.top5,
        evaluation.recalibrated_on,
        evaluation.cpu_s,
        evaluation.recalibration_cpu_s,
        inherited,
        *accuracy.by_class,
    )
    return tuple(_ABSENT if number is None else float(number) for number in known)


def from_row(row: Array) -> tuple[Evaluation, float | None]:
    """What :func:`to_row` was given, of a row ``(9 + classes,)``."""
    from supernets.evaluation import Evaluation

    fixed, by_class = row[:_FIXED].tolist(), row[_FIXED:].tolist()
    n, top1, low, high, top5, recalibrated_on, cpu_s, recalibration_cpu_s, inherited = fixed
    accuracy = Accuracy(
        int(n), top1, low, high, _present(top5), tuple(_present(share) for share in by_class)
    )
    evaluation = Evaluation(accuracy, int(recalibrated_on), cpu_s, recalibration_cpu_s)
    return evaluation, _present(inherited)


def _present(number: float) -> float | None:
    return None if number == _ABSENT else number


def rows_problem(evaluator: SupernetEvaluator, classes: int, inherited: bool) -> Problem:
    """The problem whose objectives are the columns of the rows."""
    column = partial(_column, evaluator, inherited)
    objectives = [
        Objective("accuracy", "", partial(column, number), kind="evaluated")
        for number in range(_FIXED + classes)
    ]
    return Problem(evaluator.space, tuple(objectives))


def _column(evaluator: SupernetEvaluator, inherited: bool, number: int, genes: Genes) -> Array:
    """One column of the rows of networks ``(n, n_genes)``: ``(n,)``."""
    rows = [_row(evaluator, inherited, row.tobytes()) for row in genes]
    for row in rows:
        if isinstance(row, NasprofError):
            raise row
    return np.array([row[number] for row in rows])  # type: ignore[index]


@lru_cache(maxsize=1)
def _row(
    evaluator: SupernetEvaluator, inherited: bool, genes: bytes
) -> tuple[float, ...] | NasprofError:
    """The row of a network, which is evaluated once for all of its columns, or why not."""
    network = np.frombuffer(genes, np.int8)
    try:
        (evaluation,) = evaluator.evaluate(network[None])
        without = evaluator.inherited(network).top1 if inherited else None
    except EvaluationImpossible:
        raise
    except NasprofError as error:
        return error
    return to_row(evaluation, without)


def evaluated_rows(
    executor: Executor, genes: Genes, names: Sequence[str]
) -> Iterator[tuple[int, Array]]:
    """Rows of networks ``(n, n_genes)`` as they come, each with the number of its network.

    Args:
        executor: of a :func:`rows_problem`.
        names: of the networks.

    Raises:
        EvaluationImpossible: weights or images are others now.
        NasprofError: a network could not be evaluated.
    """
    for number in range(len(genes)):
        executor.submit(number, genes[number : number + 1])
    while finished := executor.wait():
        for number, evaluation in finished:
            if evaluation.errors[0] is not None:
                raise NasprofError(f"{names[number]} was not evaluated: {evaluation.errors[0]}")
            yield number, evaluation.values[0]
