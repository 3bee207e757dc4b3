"""Arrays that a runner wrote: read within limits, whatever the archive promises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from devices.errors import RunnerCrashed
from nasprof.arrays import NUMBERS, unpack_npz
from nasprof.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Tensor: TypeAlias = NDArray[Any]
else:
    # Annotations only: whoever names a type does not wait for numpy.
    Tensor = object

_TEXT = "SU"


def read_arrays(data: bytes) -> dict[str, Tensor]:
    """The arrays of an ``.npz`` that is not compressed, by name.

    Raises:
        RunnerCrashed: it is none, or its arrays are not of numbers and text.
    """
    try:
        return unpack_npz(data, "the archive", NUMBERS + _TEXT, most=len(data))
    except UsageError as error:
        raise RunnerCrashed(f"the runner's outputs cannot be read: {error.message}") from error
