"""The one reader of files: whatever people bring ends as text or as a named error.

Size is limited before and while a file is read, and after decompression. :mod:`nasprof.json_text`
and :mod:`nasprof.toml_text` read values in it.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import stat
import zlib
from pathlib import Path

from nasprof.errors import UsageError

MAX_BYTES = 16 << 20
"""Of one document: the largest that are known, of thousands of networks, have 3 MB."""
MAX_LINE = 20_000
"""Characters of a line of a table."""
MAX_DEPTH = 50
MAX_DIGITS = 100
MAX_NAME = 1000
"""Characters of a key."""
MAX_STRING = 1 << 20
MAX_VALUES = 2_000_000

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)


def read_bytes(path: Path, limit: int = MAX_BYTES) -> bytes:
    """The contents of a regular file.

    Raises:
        UsageError: it cannot be read, is none (a folder, a pipe, a device), or is larger than
            ``limit`` bytes.
    """
    try:
        # Without O_NONBLOCK a pipe that nobody writes to would be waited for.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _O_BINARY)
        with os.fdopen(descriptor, "rb") as stream:
            _require_regular(path, os.fstat(descriptor), limit)
            data = stream.read(limit + 1)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:  # a NUL in its name
        raise UsageError(f"cannot read {str(path)!r}: {error}") from error
    if len(data) > limit:
        raise _too_large(path, limit)
    return data


_O_BINARY: int = getattr(os, "O_BINARY", 0)


def require_readable(path: Path, limit: int) -> int:
    """The size in bytes of a file that something else is going to read.

    Raises:
        UsageError: as :func:`read_bytes` does.
    """
    try:
        known = path.stat()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot read {path}: {reason}") from error
    _require_regular(path, known, limit)
    return known.st_size


def _require_regular(path: Path, known: os.stat_result, limit: int) -> None:
    if not stat.S_ISREG(known.st_mode):
        what = next((words for test, words in _KINDS if test(known.st_mode)), "no file")
        raise UsageError(f"{path} is {what}, expected a file", "Name a regular file.")
    if known.st_size > limit:
        raise _too_large(path, limit, known.st_size)


def _too_large(source: object, limit: int, size: int | None = None) -> UsageError:
    has = f"more than {mebibytes(limit)}" if size is None else mebibytes(size)
    return UsageError(
        f"{source} has {has}, expected at most {mebibytes(limit)}",
        "Is it the file that was meant? If so, split it.",
    )


def mebibytes(size: int) -> str:
    """A number of bytes in words."""
    return f"{size / (1 << 20):,.1f} MiB".replace(".0 ", " ")


def read_text(path: Path, expected: str, limit: int = MAX_BYTES) -> str:
    """The text in ``path``, without a byte-order mark.

    Raises:
        UsageError: it cannot be read or is no text, saying what was ``expected``.
    """
    return decoded(read_bytes(path, limit), path, expected)


def decoded(data: bytes, path: Path, expected: str) -> str:
    """The text in the contents of ``path``.

    Raises:
        UsageError: it is no UTF-8, saying what was ``expected``.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        what = "no UTF-8" if error.start > 2 and b"\0" not in data[:1000] else "not text"
        raise UsageError(f"{path} is {what} (byte {error.start}): expected {expected}") from error


def require_short_lines(text: str, source: Path | str) -> None:
    """Refuse a table of millions of columns before it is taken apart.

    Raises:
        UsageError: naming the length that a line may have.
    """
    if len(text) > MAX_LINE and re.search(rf"[^\n]{{{MAX_LINE}}}", text):
        raise UsageError(f"{source} has a line of more than {MAX_LINE:,} characters")


def gunzipped(data: bytes, path: Path, limit: int) -> bytes:
    """What a gzip file holds.

    Raises:
        UsageError: it is damaged, or holds more than ``limit`` bytes.
    """
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            content = stream.read(limit + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UsageError(f"{path} is no whole gzip file: {error}") from error
    if len(content) > limit:
        raise _too_large(f"{path}, decompressed,", limit)
    return content
