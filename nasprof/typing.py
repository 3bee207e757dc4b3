"""Types that every package writes the same way; shapes stand in docstrings."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    AnyArray: TypeAlias = NDArray[Any]
    Array: TypeAlias = NDArray[np.float64]
    Flags: TypeAlias = NDArray[np.bool_]
    Indices: TypeAlias = NDArray[np.intp]
else:
    # Annotations only: whoever names a type does not wait for numpy.
    AnyArray = Array = Flags = Indices = Any

JsonObject: TypeAlias = dict[str, Any]
"""A JSON object as it is read or written; its fields are checked by whoever reads them."""

Progress: TypeAlias = Callable[[int, int], None]
"""Told how many steps of how many are done."""


class Estimator(Protocol):
    """What is used of an estimator of scikit-learn."""

    def fit(self, inputs: Array, targets: Array, /) -> object:
        """Fit to inputs ``(n, n_columns)`` and targets ``(n,)``."""

    def predict(self, inputs: Array, /) -> Array:
        """The targets of inputs ``(n, n_columns)`` as expected: ``(n,)``."""
