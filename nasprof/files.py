"""Writing files as a whole, so that bad luck never loses data; :mod:`nasprof.reading` reads them.

What grows line by line is written by :mod:`nasprof.jsonl`.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from secrets import token_hex

from nasprof.errors import NasprofError

_RANDOM = 6
"""Bytes of the names of files that are being written."""
_NEW_S = 0.1
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
    with _named_in_errors(path):
        if path.exists() and not (path.is_file() or path.is_dir()):
            path.write_bytes(data)
            return
    write_together({path: data})


def write_together(contents: Mapping[Path, bytes]) -> None:
    """Replace several files by their data, once there is room for all of them.

    Each is replaced as by :func:`write_atomic`, in order.

    Raises:
        NasprofError: one of them cannot be written; all are unchanged.
    """
    scratches: dict[Path, Path] = {}
    with ExitStack() as stack:
        for path, data in contents.items():
            with _named_in_errors(path):
                destination = target(path)
            with _named_in_errors(destination):
                scratches[destination] = stack.enter_context(_scratch(destination, data))
        for destination, scratch in scratches.items():
            with _named_in_errors(destination):
                scratch.replace(destination)


@contextmanager
def _named_in_errors(path: Path) -> Iterator[None]:
    """Tell of which file an error of the system is."""
    try:
        yield
    except OSError as error:
        raise NasprofError(
            f"cannot write {path}: {error.strerror}", "Free some space or choose another place."
        ) from error


@contextmanager
def _scratch(path: Path, data: bytes) -> Iterator[Path]:
    """A new file beside ``path`` with that data, removed unless it took the place of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    known = path.stat() if path.exists() else None
    if path.is_dir():
        raise _os_error(errno.EISDIR)
    if known is not None and not os.access(path, os.W_OK):
        raise _os_error(errno.EACCES)
    # Not the whole name, which may be as long as names can be.
    begun = f".{path.name[:40]}."
    _sweep(path.parent, begun)
    scratch = path.with_name(f"{begun}{token_hex(_RANDOM)}")
    mode = 0o666 if known is None else 0o600
    try:
        with os.fdopen(os.open(scratch, _NEW_FILE, mode), "wb") as stream:
            holds_alone(stream.fileno())
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        if known is not None:
            _make_like(scratch, known)
        yield scratch
    finally:
        scratch.unlink(missing_ok=True)


def _sweep(folder: Path, begun: str) -> None:
    """Remove what processes that were killed had begun to write, of which the locks are gone."""
    length = len(begun) + 2 * _RANDOM
    with suppress(OSError):
        for path in folder.iterdir():
            if path.name.startswith(begun) and len(path.name) == length:
                with suppress(OSError):
                    _remove_if_dead(path)


def _remove_if_dead(scratch: Path) -> None:
    # One that is new may not be locked yet, or not be in its place yet.
    status = scratch.lstat()
    if not stat.S_ISREG(status.st_mode) or time.time() - status.st_mtime < _NEW_S:
        return
    with scratch.open("rb") as stream:
        if holds_alone(stream.fileno()):
            scratch.unlink()


def holds_alone(descriptor: int) -> bool:
    """Lock an open file; False if another process has it, or where the system has no locks."""
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError):
        return False
    return True


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
