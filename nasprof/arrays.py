"""Arrays read from ``.npy`` and ``.npz`` files: of the size they say they have, never pickled."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterable, Mapping
from math import prod
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeAlias

from nasprof.errors import UsageError
from nasprof.reader import brief
from nasprof.reading import MAX_NAME, mebibytes, read_bytes
from nasprof.typing import AnyArray

if TYPE_CHECKING:
    import numpy as np

    Arrays: TypeAlias = dict[str, AnyArray]

MAX_BYTES = 1 << 30
"""Of a file of arrays, and of what it unpacks to."""
MAX_MEMBERS = 20_000
MAX_DIMENSIONS = 8
NUMBERS = "biuf"
"""Kinds of dtypes: truth values, whole and real numbers."""

_WORTH = 4
_ALWAYS_FINE = 48 << 20
_MAX_HEADER = 10_000
_ENCRYPTED = 1
_END = struct.Struct("<4s8sI6x")
_LISTED_BYTES = 200
_IN_ZIP64 = 0xFFFFFFFF


class ArraysInvalid(UsageError):
    """A file holds no arrays, or some that are not read here."""


def unpacked_limit(size: int, most: int = MAX_BYTES) -> int:
    """What a file of ``size`` bytes may unpack to.

    Weights hardly compress: what unpacks to many times its size is no file of weights.
    """
    return min(most, _ALWAYS_FINE + _WORTH * size)


def read_npy(path: Path, kinds: str = NUMBERS) -> AnyArray:
    """The array of a ``.npy`` file.

    Raises:
        UsageError: the file cannot be opened, or is too large.
        ArraysInvalid: it holds no array of these kinds.
    """
    data = read_bytes(path, MAX_BYTES)
    return _array(io.BytesIO(data), len(data), str(path), kinds)


def read_npz(path: Path, kinds: str = NUMBERS, most: int = MAX_BYTES) -> Arrays:
    """The arrays of an ``.npz`` file, by name.

    Args:
        kinds: of the dtypes expected, as numpy's letters.
        most: bytes of all of them together.

    Raises:
        UsageError: the file cannot be opened, or is too large.
        ArraysInvalid: it is damaged, or holds something else than such arrays.
    """
    data = read_bytes(path, most)
    return unpack_npz(data, path, kinds, unpacked_limit(len(data), most))


def unpack_npz(data: bytes, source: Path | str, kinds: str, most: int) -> Arrays:
    """The arrays of an ``.npz`` file with these contents, by name.

    Args:
        source: what it is called in errors.
        most: bytes it may unpack to.

    Raises:
        ArraysInvalid: it is damaged, or holds something else than arrays of these kinds.
    """
    try:
        _check_directory(data, source)
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            check_members(members, source, most)
            return {
                _array_name(member, source): _member(archive, member, source, kinds)
                for member in members
            }
    except UsageError:
        raise
    # zipfile and zlib each have their own ways to say that the bytes are not theirs.
    except Exception as error:
        why = str(error) or type(error).__name__
        raise ArraysInvalid(f"{source} is no archive of arrays: {brief_line(why)}") from error


def _check_directory(data: bytes, source: Path | str) -> None:
    """Look how long the list of members is, all of which ``zipfile`` takes in at once."""
    end = data[-_END.size :]
    if len(end) < _END.size or end[:4] != b"PK\5\6":
        return  # with a comment, or no archive at all, which zipfile says
    _, _, listed_bytes = _END.unpack(end)
    if listed_bytes > MAX_MEMBERS * _LISTED_BYTES and listed_bytes != _IN_ZIP64:
        raise ArraysInvalid(f"{source} lists more than {MAX_MEMBERS:,} members")


def brief_line(text: str) -> str:
    """The first line of what a library says, cut short."""
    return text.partition("\n")[0][:200]


def check_members(members: Iterable[zipfile.ZipInfo], path: Path | str, limit: int) -> None:
    """What a zip file promises, before any of it is unpacked.

    Raises:
        ArraysInvalid: it is too much, encrypted, or a name stands twice.
    """
    members = list(members)
    names = {member.filename for member in members}
    if len(members) > MAX_MEMBERS:
        raise ArraysInvalid(f"{path} has {len(members):,} members, expected at most {MAX_MEMBERS}")
    if len(names) < len(members):
        raise ArraysInvalid(f"{path} has members of the same name")
    if any(len(name) > MAX_NAME for name in names):
        raise ArraysInvalid(f"{path} has a member whose name is longer than {MAX_NAME} characters")
    encrypted = [member.filename for member in members if member.flag_bits & _ENCRYPTED]
    if encrypted:
        raise ArraysInvalid(f"{path}: {brief(encrypted[0])} is encrypted")
    total = sum(member.file_size for member in members)
    if total > limit:
        raise ArraysInvalid(
            f"{path} would unpack to {mebibytes(total)}, expected at most {mebibytes(limit)}",
            "Arrays that compress so well hold next to nothing; is it the file that was meant?",
        )


def _array_name(member: zipfile.ZipInfo, path: Path | str) -> str:
    if not member.filename.endswith(".npy"):
        raise ArraysInvalid(f"{path}: {brief(member.filename)} is no array, expected NAME.npy")
    return member.filename.removesuffix(".npy")


def _member(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path | str, kinds: str
) -> AnyArray:
    where = f"{path}: {member.filename.removesuffix('.npy')[:MAX_NAME]}"
    with archive.open(member) as stream:
        return _array(stream, member.file_size, where, kinds)


def _array(stream: IO[bytes], size: int, where: str, kinds: str) -> AnyArray:
    """The array in ``size`` bytes, if that is what its header promises."""
    import numpy as np

    shape, fortran, dtype = _header(stream, where)
    if dtype.kind not in kinds or dtype.hasobject or not dtype.itemsize:
        what = "pickled objects, which may run code" if dtype.hasobject else str(dtype)[:60]
        raise ArraysInvalid(f"{where} is {what}, expected {_words(kinds)}")
    if len(shape) > MAX_DIMENSIONS or not all(0 <= length < 1 << 40 for length in shape):
        raise ArraysInvalid(f"{where} has the shape {brief(shape)}, which no array has")
    promised, held = prod(shape) * dtype.itemsize, size - stream.tell()
    if promised != held:
        raise ArraysInvalid(
            f"{where}: its header promises {promised:,} bytes, it holds {max(held, 0):,}",
            "The file may be truncated." if promised > held else None,
        )
    data = stream.read(promised + 1)
    if len(data) != promised:
        raise ArraysInvalid(f"{where} ends after {len(data):,} of {promised:,} bytes")
    flat = np.frombuffer(data, dtype)
    array = flat.reshape(shape[::-1]).T if fortran else flat.reshape(shape)
    return array.astype(dtype.newbyteorder("="), order="C")


def _header(stream: IO[bytes], where: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether the first index varies fastest, and dtype."""
    from numpy.lib import format as npy

    try:
        version = npy.read_magic(stream)
        read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[version]
        header: tuple[tuple[int, ...], bool, np.dtype[Any]] = read(stream, _MAX_HEADER)
    except KeyError as error:
        raise ArraysInvalid(f"{where} is an array of an unknown version") from error
    except Exception as error:  # whatever Python's parser stumbles over
        why = brief_line(str(error)) or type(error).__name__
        raise ArraysInvalid(f"{where} is no array: {why}") from error
    if not all(type(length) is int for length in header[0]):
        raise ArraysInvalid(f"{where} has the shape {brief(header[0])}, which no array has")
    return header


def _words(kinds: str) -> str:
    return "numbers" if kinds == NUMBERS else f"values of numpy's kinds {', '.join(kinds)}"


def require_finite(arrays: Mapping[str, AnyArray], path: Path) -> None:
    """Whatever is computed with a value that is no number is none.

    Raises:
        ArraysInvalid: naming the first array that holds one.
    """
    import numpy as np

    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            wrong = array[~np.isfinite(array)]
            raise ArraysInvalid(
                f"{path}: {brief(name)} has values that are not finite "
                f"({len(wrong):,} of {array.size:,}, the first is {wrong[0]})",
                "Such weights come from a training that has diverged; take another checkpoint.",
            )
