"""Reading and writing files so that bad input and bad luck never lose data."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from secrets import token_hex
from typing import IO, Any

from nasprof.errors import NasprofError, UsageError

_ASK_AGAIN_S = 0.2
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


def read_text(path: Path, expected: str) -> str:
    """The text in ``path``; what cannot be read is a UsageError that says what was ``expected``."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not text: expected {expected}") from error


def parse_json(text: str, source: Path) -> Any:
    """The JSON value in ``text``; malformed text is a UsageError naming the source and line."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise UsageError(
            f"{source} is not valid JSON: line {error.lineno}, column {error.colno}: {error.msg}",
            "The file may be truncated; write it again.",
        ) from error


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
        path = _target(path)
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


def _target(path: Path) -> Path:
    """What a symbolic link points to, else the path itself."""
    try:
        return path.resolve()
    except RuntimeError as error:  # before Python 3.13 no OSError
        raise NasprofError(f"{path} is a symbolic link that leads to itself") from error


@contextmanager
def locked(path: Path, wait_s: float = 60.0) -> Iterator[None]:
    """While inside, no other process that asks for the same has ``path``, which must exist.

    For reading, changing and writing it again by :func:`write_atomic` without losing what another
    process writes meanwhile. The lock ends with the process, however it ends.

    Raises:
        NasprofError: another process keeps it for longer than ``wait_s``, or it cannot be read.
    """
    path = _target(path)
    end = time.monotonic() + wait_s
    while (stream := _locked_stream(path)) is None:
        if time.monotonic() > end:
            raise NasprofError(
                f"another process has been at work on {path} for {wait_s:g} s",
                "Wait for it to end, and run the same command again.",
            )
        time.sleep(0.05)
    with stream:
        yield


def _locked_stream(path: Path) -> IO[bytes] | None:
    """The file that has this name right now, locked; None if another process has it."""
    try:
        stream = path.open("rb")
    except OSError as error:
        raise NasprofError(f"cannot read {path}: {error.strerror}") from error
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever held it may have replaced it between our opening and our locking it.
        if path.stat().st_ino == os.fstat(stream.fileno()).st_ino:
            return stream
    except (BlockingIOError, FileNotFoundError):
        pass
    except OSError as error:
        stream.close()
        raise NasprofError(f"cannot lock {path}: {error.strerror}") from error
    stream.close()
    return None


def open_alone(path: Path) -> FileIO | None:
    """The file, open for reading and appending by this process alone; None if another has it.

    Raises:
        OSError: it cannot be opened.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        stream = path.open("a+b", buffering=0)
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            stream.close()
            if isinstance(error, BlockingIOError):
                return None
            raise
        # Whoever held it may have removed it between our opening and our locking it.
        if path.exists() and path.stat().st_ino == os.fstat(stream.fileno()).st_ino:
            return stream
        stream.close()


@contextmanager
def held_alone(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold a file as a lock, which ends with the process, however that ends.

    Args:
        waiting: called once if another process holds it, which is then waited for.

    Raises:
        NasprofError: it cannot be opened or locked.
    """
    try:
        stream = open_alone(path)
        if stream is None:
            waiting()
        while stream is None:
            time.sleep(_ASK_AGAIN_S)
            stream = open_alone(path)
    except OSError as error:
        raise NasprofError(
            f"cannot lock {path}: {error.strerror}", "Is its folder writable?"
        ) from error
    with stream:
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def append_jsonl(path: Path, record: dict[str, Any]) -> None:
    """Append one record as one line and force it to disk.

    A last line left incomplete by a crash is closed off first, so that it spoils only itself.
    """
    line = json.dumps(record, separators=(",", ":"), allow_nan=False).encode() + b"\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab+") as stream:
            size = stream.seek(0, os.SEEK_END)
            if size and stream.seek(size - 1) is not None and stream.read(1) != b"\n":
                line = b"\n" + line
            stream.write(line)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise NasprofError(
            f"cannot append to {path}: {error.strerror}", "Free some space or choose another place."
        ) from error


def read_jsonl(path: Path) -> Iterator[dict[str, Any]]:
    """The whole records of an append-only file, skipping lines a crash left incomplete."""
    with path.open("rb") as stream:
        for line in stream:
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict):
                yield record
