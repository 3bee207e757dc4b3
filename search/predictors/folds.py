"""Errors out of fold, by which predictors and their settings are chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

import numpy as np

from nasprof import folds
from nasprof.folds import Learn, Predict, Rows
from nasprof.typing import Array, Indices

T = TypeVar("T")

FOLDS, MANY, FEW_FOLDS = 5, 150, 3
"""Of more rows fewer folds tell the same, and fitting takes longer."""


def split(n: int, seed: int) -> Iterator[tuple[Indices, Indices]]:
    """Indices of the rows to learn from, and of those to predict; the latter are each row once.

    Of two rows none can be spared: both serve for both.
    """
    if n <= 2:
        yield np.arange(n), np.arange(n)
        return
    for rest, fold in folds.folds(n, min(FOLDS if n <= MANY else FEW_FOLDS, n), seed):
        yield rest, np.sort(fold)


def out_of_fold(learn: Learn, inputs: Rows, targets: Array, seed: int) -> Array:
    """Each target as predicted from the rows of other folds: ``(n,)``.

    Args:
        learn: learns rows and targets, and gives what predicts such rows.
        inputs: ``(n, n_columns)``.
        targets: ``(n,)``.
        seed: of the folds.
    """
    return folds.out_of_fold(learn, inputs, targets, split(len(targets), seed))


def rmse(predicted: Array, targets: Array) -> float:
    """Root of the mean squared error of predictions ``(n,)``."""
    return float(np.sqrt(((predicted - targets) ** 2).mean()))


def choose(
    candidates: Sequence[T],
    learn: Callable[[T, Rows, Array], Predict],
    inputs: Rows,
    targets: Array,
    seed: int,
) -> T:
    """The candidate of least cross-validated error, the first of equal ones.

    Args:
        candidates: settings that are tried.
        learn: with one of them, as of :data:`nasprof.folds.Learn`.
        inputs: ``(n, n_columns)``.
        targets: ``(n,)``.
        seed: of the folds.
    """

    def error(candidate: T) -> float:
        predicted = out_of_fold(partial(learn, candidate), inputs, targets, seed)
        return rmse(predicted, targets)

    return candidates[0] if len(candidates) == 1 else min(candidates, key=error)
