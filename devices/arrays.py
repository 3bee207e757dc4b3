"""Arrays that a runner wrote: read within limits, whatever the archive promises."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from devices.errors import RunnerCrashed
from devices.reply_checks import damaged
from nasprof.arrays import NUMBERS, unpack_npz
from nasprof.errors import UsageError
from nasprof.typing import JsonObject

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Tensor: TypeAlias = NDArray[Any]
else:
    # Annotations only: whoever names a type does not wait for numpy.
    Tensor = object

_TEXT = "SU"


def write_arrays(arrays: Mapping[str, Tensor]) -> bytes:
    """An ``.npz`` of arrays by name, not compressed."""
    import numpy as np

    archive = io.BytesIO()
    named: dict[str, Any] = dict(arrays)
    np.savez(archive, **named)
    return archive.getvalue()


def read_arrays(data: bytes) -> dict[str, Tensor]:
    """The arrays of an ``.npz`` that is not compressed, by name.

    Raises:
        RunnerCrashed: it is none, or its arrays are not of numbers and text.
    """
    try:
        return unpack_npz(data, "the archive", NUMBERS + _TEXT, most=len(data))
    except UsageError as error:
        raise RunnerCrashed(f"the runner's outputs cannot be read: {error.message}") from error


def checked_outputs(
    outputs: dict[str, Tensor], told: JsonObject, samples: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Outputs for samples, if there is one a sample of each that the model has.

    Args:
        outputs: arrays ``(n, ...)`` by output, as they came.
        told: what was told of the model when it was loaded.
        samples: arrays ``(n, ...)`` by input, as they were given.

    Raises:
        RunnerCrashed: naming the output that is wrong.
    """
    n = len(next(iter(samples.values())))
    names = [tensor["name"] for tensor in told.get("outputs", [])]
    if sorted(outputs) != sorted(names):
        damaged("run", f"outputs are {sorted(outputs)} instead of {sorted(names)}")
    for name, array in outputs.items():
        if array.shape[:1] != (n,):
            damaged("run", f"output {name} has shape {list(array.shape)} for {n} samples")
    return outputs
