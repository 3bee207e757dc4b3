"""What is used of an estimator of scikit-learn."""

from __future__ import annotations

from typing import Protocol

from nasprof.typing import Array


class Estimator(Protocol):
    """Fitted to inputs ``(n, n_columns)`` and targets ``(n,)``; predicts the latter."""

    def fit(self, inputs: Array, targets: Array, /) -> object: ...

    def predict(self, inputs: Array, /) -> Array:
        """The targets of inputs ``(n, n_columns)`` as expected: ``(n,)``."""
