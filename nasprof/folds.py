"""Cross-validation: every row is predicted by what was learned from rows of other folds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

import numpy as np

from nasprof.typing import AnyArray, Array, Indices

Rows: TypeAlias = AnyArray
"""What is learned from, a row an example: ``(n, ...)``."""
Predict: TypeAlias = Callable[[Rows], Array]
"""Gives the targets of rows ``(n, ...)`` as expected: ``(n,)``."""
Learn: TypeAlias = Callable[[Rows, Array], Predict]
"""Learns rows ``(n, ...)`` and their targets ``(n,)``."""


def folds(n: int, count: int, seed: int | Sequence[int]) -> Iterator[tuple[Indices, Indices]]:
    """Indices of the rows to learn from, and of those to predict, for each of ``count`` folds.

    Folds differ by one row at most, and each row is in one of them. Rows to learn from are in
    ascending order, those to predict as they were shuffled.

    Args:
        n: number of rows.
        count: of the folds, at most ``n``.
        seed: of the shuffling, as ``numpy.random.default_rng`` takes it.

    >>> [(rest.tolist(), sorted(fold.tolist())) for rest, fold in folds(3, 3, seed=0)]
    [([0, 1], [2]), ([1, 2], [0]), ([0, 2], [1])]
    """
    order = np.random.default_rng(seed).permutation(n)
    for fold in np.array_split(order, count):
        yield np.setdiff1d(order, fold), fold


def out_of_fold(
    learn: Learn, rows: Rows, targets: Array, splits: Iterable[tuple[Indices, Indices]]
) -> Array:
    """Each target as predicted by what was learned from the rows of other folds: ``(n,)``.

    Args:
        learn: learns rows and targets, and gives what predicts such rows.
        rows: ``(n, ...)``.
        targets: ``(n,)``.
        splits: as of :func:`folds`.
    """
    predicted = np.empty(len(targets))
    for rest, fold in splits:
        predicted[fold] = learn(rows[rest], targets[rest])(rows[fold])
    return predicted
