"""Writing files so that bad luck never loses data; :mod:`nasprof.reading` reads them."""

from __future__ import annotations

import errno
import json
import os
import stat
from contextlib import suppress
from io import FileIO
from pathlib import Path
from secrets import token_hex
from typing import Any

from nasprof.errors import NasprofError

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


def write_atomic(path: Path, data: bytes) -> None:
    """Replace ``path`` by ``data`` as a whole or not at all.

    Where it is a symbolic link, what that points to is replaced. A file that was there before
    keeps its permissions and its owner, a new one has those that the umask leaves it. What is no
    file (a pipe, ``/dev/stdout``) is written to.

    Raises:
        NasprofError: the data cannot be written (no space, no permission, a folder); ``path`` is
            unchanged.
    """
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            path.write_bytes(data)
            return
        path = target(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, data, path.stat() if path.exists() else None)
    except OSError as error:
        raise NasprofError(
            f"cannot write {path}: {error.strerror}", "Free some space or choose another place."
        ) from error


def _replace(path: Path, data: bytes, known: os.stat_result | None) -> None:
    """Put a new file in the place of one, ``known``, or of none."""
    if path.is_dir():
        raise _os_error(errno.EISDIR)
    if known is not None and not os.access(path, os.W_OK):
        raise _os_error(errno.EACCES)
    # Not the whole name, which may be as long as names can be.
    scratch = path.with_name(f".{path.name[:40]}.{token_hex(6)}")
    mode = 0o666 if known is None else 0o600
    try:
        with os.fdopen(os.open(scratch, _NEW_FILE, mode), "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        if known is not None:
            _make_like(scratch, known)
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


def _make_like(path: Path, known: os.stat_result) -> None:
    """Give a file owner, as far as that is allowed, and permissions of another one."""
    with suppress(OSError, AttributeError):  # Windows has no owners
        os.chown(path, known.st_uid, known.st_gid)
    path.chmod(stat.S_IMODE(known.st_mode))


def _os_error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def target(path: Path) -> Path:
    """What a symbolic link points to, else the path itself.

    Raises:
        NasprofError: it leads to itself.
    """
    try:
        return path.resolve()
    except RuntimeError as error:  # before Python 3.13 no OSError
        raise NasprofError(f"{path} is a symbolic link that leads to itself") from error


def append_jsonl(path: Path, record: dict[str, Any]) -> None:
    """Append one record as one line and force it to disk.

    A last line left incomplete by a crash is closed off first, so that it spoils only itself.

    Raises:
        NasprofError: it cannot be written; what the file held stays as it was.
    """
    line = json.dumps(record, separators=(",", ":"), allow_nan=False).encode() + b"\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab+", buffering=0) as stream:
            size = stream.seek(0, os.SEEK_END)
            if size and stream.seek(size - 1) is not None and stream.read(1) != b"\n":
                line = b"\n" + line
            append_whole(stream, line)
    except OSError as error:
        raise NasprofError(
            f"cannot append to {path}: {error.strerror}", "Free some space or choose another place."
        ) from error


def append_whole(stream: FileIO, data: bytes) -> None:
    """Write at the end of a file that is open for appending, and force it to disk, or not at all.

    Raises:
        OSError: it cannot be written; what it held stays as it was.
    """
    size, written = stream.seek(0, os.SEEK_END), 0
    try:
        while written < len(data):
            written += stream.write(data[written:])
        os.fsync(stream.fileno())
    except OSError:
        with suppress(OSError):  # of a device
            # Not where another process has appended to it meanwhile.
            if stream.seek(0, os.SEEK_END) == size + written:
                stream.truncate(size)
        raise
