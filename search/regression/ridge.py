"""Ridge regression with the penalty of least leave-one-out error, in closed form.

Source: Allen, "The Relationship Between Variable Selection and Data Augmentation and a Method for
Prediction", Technometrics 1974 (PRESS): a row's leave-one-out error is its residual divided by one
less its hat value. One decomposition gives both for all penalties.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from nasprof.typing import Array
from search.regression.gene_encodings import Scaling

PENALTIES = np.logspace(-2, 5, 100)
_LEAST = 1e-9


@dataclass(frozen=True)
class RidgeFit:
    """A ridge regression with an intercept on columns of mean 0 and variance 1.

    Args:
        penalty: on the squared coefficients.
        axes: principal axes of the columns, ``(n_columns, n_axes)``.
        shrunk: of each axis, the reciprocal of its squared length and penalty, ``(n_axes,)``.
        coefficients: ``(n_columns,)``.
        left_out: errors of the targets as predicted from all others, ``(n,)``.
        hat: by how much each target draws its own prediction, ``(n,)``.
    """

    scaling: Scaling
    intercept: float
    penalty: float
    axes: Array
    shrunk: Array
    coefficients: Array
    left_out: Array
    hat: Array

    @classmethod
    def of(cls, inputs: Array, targets: Array, penalties: Array = PENALTIES) -> Self:
        """Fitted, with the penalty of least leave-one-out error.

        Args:
            inputs: ``(n, n_columns)``.
            targets: ``(n,)``.
            penalties: that are tried, ``(n_penalties,)``.
        """
        scaling, intercept = Scaling.of(inputs), float(targets.mean())
        scores, lengths, axes = np.linalg.svd(scaling(inputs), full_matrices=False)
        along = scores.T @ (targets - intercept)
        shrunk = 1 / (lengths[:, None] ** 2 + penalties)
        kept = lengths[:, None] ** 2 * shrunk
        hats = scores**2 @ kept + 1 / len(targets)
        residuals = (targets - intercept)[:, None] - scores @ (kept * along[:, None])
        errors = residuals / np.maximum(1 - hats, _LEAST)
        best = int((errors**2).sum(0).argmin())
        return cls(
            scaling=scaling,
            intercept=intercept,
            penalty=float(penalties[best]),
            axes=axes.T,
            shrunk=shrunk[:, best],
            coefficients=axes.T @ (lengths * shrunk[:, best] * along),
            left_out=errors[:, best],
            hat=hats[:, best],
        )

    def __call__(self, inputs: Array) -> Array:
        """The targets of inputs ``(n, n_columns)`` as expected: ``(n,)``."""
        predicted: Array = self.intercept + self.scaling(inputs) @ self.coefficients
        return predicted

    def std(self, inputs: Array) -> Array:
        """Standard deviation of their errors: ``(n,)``.

        As of a Gaussian prior on the coefficients, where a left-out error has the noise's variance
        divided by one less the hat value: the noise is what explains those seen.
        """
        noise = (self.left_out**2 * np.maximum(1 - self.hat, _LEAST)).mean()
        scaled = self.scaling(inputs)
        squares = (scaled @ self.axes) ** 2
        # What lies off all axes was never seen: the prior alone speaks of it.
        unseen = np.maximum((scaled**2).sum(1) - squares.sum(1), 0)
        reach = squares @ self.shrunk + unseen / self.penalty
        std: Array = np.sqrt(np.maximum(noise, _LEAST**2) * (1 + reach + 1 / len(self.hat)))
        return std
