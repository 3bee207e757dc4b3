"""Predicting rows from others: cross-validation, and choices by it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from nasprof.typing import Array

T = TypeVar("T")
Rows: TypeAlias = NDArray[Any]
Fit: TypeAlias = Callable[[Rows, Array], Callable[[Rows], Array]]
"""Learns inputs ``(n, n_columns)`` and targets ``(n,)``; gives what predicts such inputs."""

FOLDS, MANY, FEW_FOLDS = 5, 150, 3
"""Of more rows fewer folds tell the same, and fitting takes longer."""


def split(n: int, seed: int) -> Iterator[tuple[Rows, Rows]]:
    """Numbers of the rows to learn from, and of those to predict; the latter are each row once.

    Of two rows none can be spared: both serve for both.
    """
    if n <= 2:
        yield np.arange(n), np.arange(n)
        return
    order = np.random.default_rng(seed).permutation(n)
    for fold in np.array_split(order, min(FOLDS if n <= MANY else FEW_FOLDS, n)):
        yield np.setdiff1d(order, fold), np.sort(fold)


def out_of_fold(fit: Fit, inputs: Rows, targets: Array, seed: int) -> Array:
    """Each target as predicted from the rows of other folds: ``(n,)``."""
    predicted = np.empty(len(targets))
    for rest, fold in split(len(targets), seed):
        predicted[fold] = fit(inputs[rest], targets[rest])(inputs[fold])
    return predicted


def rmse(predicted: Array, targets: Array) -> float:
    """Root of the mean squared error of predictions ``(n,)``."""
    return float(np.sqrt(((predicted - targets) ** 2).mean()))


def choose(
    candidates: Sequence[T],
    fit: Callable[[T, Rows, Array], Callable[[Rows], Array]],
    inputs: Rows,
    targets: Array,
    seed: int,
) -> T:
    """The candidate of least cross-validated error, the first of equal ones."""

    def error(candidate: T) -> float:
        def learn(rows: Rows, known: Array) -> Callable[[Rows], Array]:
            return fit(candidate, rows, known)

        return rmse(out_of_fold(learn, inputs, targets, seed), targets)

    return candidates[0] if len(candidates) == 1 else min(candidates, key=error)
