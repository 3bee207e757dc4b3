"""Interpolation by cubic radial basis functions with a linear tail, smoothed.

Source: Regis and Shoemaker, "Combining Radial Basis Function Surrogates and Dynamic Coordinate
Search in High-Dimensional Expensive Black-Box Optimization", 2013, Sec. 2.1. Their tail is free;
here its coefficients have a wide Gaussian prior, which leaves the system regular where rows repeat
or are fewer than columns. Leave-one-out errors: Rippa, "An algorithm for selecting a good value
for the parameter c in radial basis function interpolation", 1999, Eq. 17.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from nasprof.threads import one_thread
from nasprof.typing import Array
from search.predictors.base import GenePredictor
from search.regression.gaussian import Matrix
from search.regression.gene_encodings import Columns, Encoding, onehot_ordinal, ordinal, thermometer
from spaces import Genes

TAIL = 1e3
"""Variance of the tail's coefficients, for targets of variance 1 and columns from 0 to 1."""
_SMOOTHINGS = np.logspace(-4, 2, 13)
_ENCODINGS: tuple[Encoding, ...] = (ordinal, thermometer, onehot_ordinal)


def cubes(first: Matrix, second: Matrix) -> Matrix:
    """Cubed distances of ``(..., n, n_columns)`` and ``(..., m, n_columns)``: ``(..., n, m)``."""
    cubed: Matrix = first @ second.swapaxes(-1, -2)
    cubed *= -2
    cubed += (first**2).sum(-1)[..., :, None]
    cubed += (second**2).sum(-1)[..., None, :]
    np.maximum(cubed, 0, out=cubed)
    cubed *= np.sqrt(cubed)
    return cubed


def system(inputs: Array) -> Array:
    """What weights ``(..., n)`` are multiplied with to give the targets of inputs
    ``(..., n, n_columns)``, without smoothing: ``(..., n, n)``.
    """
    matrix: Array = cubes(inputs, inputs)
    matrix += TAIL * (1 + inputs @ inputs.swapaxes(-1, -2))
    return matrix


def tail(inputs: Array, weights: Array) -> tuple[Array, Array]:
    """Intercepts ``(...)`` and slopes ``(..., n_columns)`` that belong to weights ``(..., n)``."""
    slopes = np.einsum("...n,...nc->...c", weights, inputs)
    return TAIL * weights.sum(-1), TAIL * slopes


@dataclass(frozen=True)
class RbfFit:
    """One such function.

    Args:
        centers: ``(n, n_columns)``.
        weights: of the cubed distances, ``(n,)``.
        error: root of the mean squared leave-one-out error.
    """

    centers: Array
    weights: Array
    error: float

    @classmethod
    def of(cls, inputs: Array, targets: Array) -> Self:
        """To inputs ``(n, n_columns)`` and targets ``(n,)``, smoothed as errs least."""
        values, vectors = np.linalg.eigh(system(inputs))
        # With a prior on the tail the system may have a few eigenvalues below 0.
        smoothings = _SMOOTHINGS + max(0.0, -2 * values[0])
        inverse = 1 / (values[:, None] + smoothings)
        weights = vectors @ (inverse * (vectors.T @ targets)[:, None])
        left_out = weights / (vectors**2 @ inverse)
        errors = np.sqrt((left_out**2).mean(0))
        best = int(errors.argmin())
        return cls(inputs, weights[:, best], float(errors[best]))

    def __call__(self, inputs: Array) -> Array:
        """The targets of inputs ``(n, n_columns)`` as expected: ``(n,)``."""
        intercept, slopes = tail(self.centers, self.weights)
        predicted: Array = cubes(inputs, self.centers) @ self.weights + inputs @ slopes + intercept
        return predicted


class RbfPredictor(GenePredictor):
    """On places, steps or choices of genes, whichever errs least when a row is left out."""

    kind: ClassVar[str] = "rbf"

    def _fit(self, genes: Genes, targets: Array) -> None:
        columns = [Columns.of(encoding, self.space, genes) for encoding in _ENCODINGS]
        with one_thread():
            fits = [RbfFit.of(encoded(genes), targets) for encoded in columns]
        best = int(np.argmin([fit.error for fit in fits]))
        self._columns, self._rbf = columns[best], fits[best]

    def _predict(self, genes: Genes) -> Array:
        return self._rbf(self._columns(genes))
