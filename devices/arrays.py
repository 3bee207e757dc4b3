"""Arrays that a runner wrote: read within limits, whatever the archive promises."""

from __future__ import annotations

import math
import os
import struct
import zipfile
import zlib
from typing import IO, TYPE_CHECKING, Any

from devices.base import RunnerCrashed
from devices.foreign import clean

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_ARRAYS = 4000
_END, _LOCATOR_BYTES = struct.Struct("<4s8sI6x"), 20
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    ArithmeticError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)


def read_arrays(stream: IO[bytes]) -> dict[str, NDArray[Any]]:
    """The arrays of an ``.npz`` that is not compressed, by name.

    Raises:
        RunnerCrashed: it is none, or its arrays are not of numbers and text.
    """
    size = stream.seek(0, os.SEEK_END)
    try:
        _check_directory(stream, size)
        with zipfile.ZipFile(stream) as archive:
            members = archive.infolist()
            # So they take no more memory than the archive, however they overlap.
            if len(members) > MAX_ARRAYS or sum(each.file_size for each in members) > size:
                raise _damaged("it promises more than it holds")
            arrays = {each.filename: _array(archive, each) for each in members}
    except _UNREADABLE as error:
        raise _damaged(clean(str(error)) or type(error).__name__) from error
    if len(arrays) != len(members) or not all(name.endswith(".npy") for name in arrays):
        raise _damaged("its names are not those of arrays")
    return {name.removesuffix(".npy"): array for name, array in arrays.items()}


def _check_directory(stream: IO[bytes], size: int) -> None:
    """Look how long the list of members is, all of which ``zipfile`` takes in at once."""
    if size < _END.size:
        raise _damaged("it is empty")
    stream.seek(size - min(size, _END.size + _LOCATOR_BYTES))
    last = stream.read()
    signature, _, listed = _END.unpack(last[-_END.size :])
    large = last[: -_END.size].startswith(b"PK\6\7")
    if signature != b"PK\5\6" or large or listed > MAX_ARRAYS * 1000:
        raise _damaged("it is no plain zip archive, or of too many arrays")


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    from numpy.lib import format as npy

    if member.compress_type != zipfile.ZIP_STORED:
        raise _damaged("it is compressed")
    with archive.open(member) as stream:
        version = npy.read_magic(stream)
        read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read_header(stream)
        size = stream.tell() + dtype.itemsize * math.prod(shape)
        # An array's memory is set aside before its bytes are read.
        if version not in ((1, 0), (2, 0)) or dtype.hasobject or size != member.file_size:
            raise _damaged(f"{clean(member.filename)} is not the array that its header promises")
    with archive.open(member) as stream:
        array: NDArray[Any] = npy.read_array(stream, allow_pickle=False)
        return array


def _damaged(why: str) -> RunnerCrashed:
    return RunnerCrashed(f"the runner's outputs cannot be read: {why}")
