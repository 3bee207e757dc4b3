"""Many radial basis functions, each of some rows and some columns.

Source: Lu et al., "Neural Architecture Transfer", TPAMI 2021, Algorithm 2: K = 500. Which shares
of rows and columns they take is left open there; here each function takes four fifths of the
rows, and the columns are chosen by the errors of a few functions on rows they did not see.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from nasprof.threads import one_thread
from nasprof.typing import Array, Indices
from search.predictors.base import GenePredictor
from search.predictors.rbf import cubes, system, tail
from search.regression.gene_encodings import Columns, Encoding, onehot_ordinal, ordinal
from spaces import Genes

MODELS = 500
ROWS, MOST_ROWS = 0.8, 150
"""Share of the rows that each function is of, and how many at most: time grows with the cube."""
_FEW = 40
_SMOOTHING = 0.1
_LEAST = 1e-9
_AT_ONCE = 1024
"""Rows predicted at once, counted for each function anew: what they need stays in the cache."""
_OFFERED: tuple[tuple[Encoding, float], ...] = (
    (ordinal, 0.3),
    (ordinal, 0.6),
    (ordinal, 0.8),
    (onehot_ordinal, 0.6),
    (onehot_ordinal, 0.8),
)
"""Columns, and the share of them that each function is of."""


@dataclass(frozen=True)
class Functions:
    """Radial basis functions of different rows and columns.

    Args:
        rows: that each is of, ``(k, n_rows)``.
        columns: that each is of, ``(k, n_columns)``.
        centers: ``(k, n_rows, n_columns)``.
        weights: ``(k, n_rows)``.
        intercepts: ``(k,)``.
        slopes: ``(k, n_columns)``.
    """

    rows: Indices
    columns: Indices
    centers: NDArray[np.float32]
    weights: NDArray[np.float32]
    intercepts: Array
    slopes: NDArray[np.float32]

    @classmethod
    def of(
        cls, inputs: Array, targets: Array, share: float, k: int, rng: np.random.Generator
    ) -> Self:
        """Fitted all at once.

        Args:
            inputs: ``(n, n_columns)``.
            targets: ``(n,)``.
            share: of the columns that each is of.
            k: number of functions.
            rng: of their rows and columns.
        """
        n, n_columns = inputs.shape
        rows = _subsets(n, min(max(round(ROWS * n), 1), n - 1, MOST_ROWS), k, rng)
        columns = _subsets(n_columns, max(round(share * n_columns), 1), k, rng)
        centers = inputs[rows[:, :, None], columns[:, None, :]]
        systems = system(centers)
        diagonal = np.arange(rows.shape[1])
        systems[:, diagonal, diagonal] += _SMOOTHING
        solved = np.linalg.solve(systems, targets[rows][:, :, None])
        weights = solved[:, :, 0].astype(np.float64, copy=False)
        intercepts, slopes = tail(centers, weights)
        single = [array.astype(np.float32) for array in (centers, weights, slopes)]
        return cls(rows, columns, single[0], single[1], intercepts, single[2])

    def __call__(self, inputs: Array) -> Array:
        """What each predicts of inputs ``(n, n_columns)``: ``(k, n)``."""
        predicted = np.empty((len(self.rows), len(inputs)))
        # Columns of the transpose are contiguous.
        turned = np.ascontiguousarray(inputs.T, np.float32)
        at_once = max(_AT_ONCE // max(len(inputs), 1), 1)
        for start in range(0, len(predicted), at_once):
            some = slice(start, start + at_once)
            own = turned[self.columns[some]].swapaxes(1, 2)
            bent = cubes(own, self.centers[some]) @ self.weights[some, :, None]
            predicted[some] = (bent + own @ self.slopes[some, :, None])[:, :, 0]
        return predicted + self.intercepts[:, None]

    def unseen(self, inputs: Array, targets: Array) -> tuple[Array, Array]:
        """What those predict of a row fitted to that are not of it: errors and their standard
        deviations of the rows that some are not of, ``(n_judged,)`` each.
        """
        weights = np.ones((len(self.rows), len(inputs)))
        np.put_along_axis(weights, self.rows, 0, axis=1)
        judged = weights.any(0)
        weights = weights[:, judged] / weights[:, judged].sum(0)
        predicted = self(inputs[judged])
        mean = (weights * predicted).sum(0)
        return mean - targets[judged], np.sqrt((weights * (predicted - mean) ** 2).sum(0))


class RbfEnsemble(GenePredictor):
    """The mean of 500 functions, and the standard deviation among them.

    The latter is scaled to the errors on rows that functions did not see.
    """

    kind: ClassVar[str] = "rbf-ensemble"

    def _fit(self, genes: Genes, targets: Array) -> None:
        rng = np.random.default_rng(self.seed)
        offered = [(Columns.of(encoding, self.space, genes), share) for encoding, share in _OFFERED]
        with one_thread():
            errors = [
                _unseen_error(columns(genes), targets, share, rng) for columns, share in offered
            ]
            self._columns, self.share = offered[int(np.argmin(errors))]
            inputs = self._columns(genes)
            self._functions = Functions.of(inputs, targets, self.share, MODELS, rng)
            missed, spread = self._functions.unseen(inputs, targets)
        ratios = missed / np.maximum(spread, _LEAST)
        self._caution = float(np.sqrt((ratios**2).mean()))

    def _predict(self, genes: Genes) -> Array:
        mean: Array = self._functions(self._columns(genes)).mean(0)
        return mean

    def _std(self, genes: Genes) -> Array:
        spread = self._functions(self._columns(genes)).std(0)
        std: Array = self._caution * np.maximum(spread, _LEAST)
        return std


def _unseen_error(inputs: Array, targets: Array, share: float, rng: np.random.Generator) -> float:
    """Root of the mean squared error of a few functions on rows they did not see."""
    missed, _ = Functions.of(inputs, targets, share, _FEW, rng).unseen(inputs, targets)
    return float(np.sqrt((missed**2).mean()))


def _subsets(n: int, size: int, k: int, rng: np.random.Generator) -> Indices:
    """So many random subsets of ``range(n)``: ``(k, size)``."""
    order: Indices = rng.random((k, n)).argsort(1)
    return np.sort(order[:, :size], 1)
