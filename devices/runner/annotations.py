"""Types that annotations name: old Pythons need not understand them, numpy need not be loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    import numpy as np

    Array = np.ndarray[Any, Any]
    DType = np.dtype[Any]
    JsonObject = dict[str, Any]
else:
    Array = DType = object
    JsonObject = dict
