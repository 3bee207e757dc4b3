"""Types that every package writes the same way; shapes stand in docstrings."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[np.float64]
    Flags: TypeAlias = NDArray[np.bool_]
    Indices: TypeAlias = NDArray[np.intp]
else:
    # Annotations only: whoever names a type does not wait for numpy.
    Array = Flags = Indices = Any

JsonObject: TypeAlias = dict[str, Any]
"""A JSON object as it is read or written; its fields are checked by whoever reads them."""

Progress: TypeAlias = Callable[[int, int], None]
"""Told how many steps of how many are done."""
