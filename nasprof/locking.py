"""Locks on files between processes; they end with the process that holds them, however it ends.

Where the system or the file system has no such locks, a file beside is the lock: it names the
process that holds it, and is taken over from one that is dead.
"""

from __future__ import annotations

import errno
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from socket import gethostname

from nasprof.errors import NasprofError
from nasprof.files import target

_log = logging.getLogger(__name__)

_ASK_AGAIN_S = 0.2
_WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL)
# Far behind the end of any file, since Windows lets nobody else read what is locked.
_LOCKED_BYTE = 1 << 40


class NoLocks(OSError):
    """The system, or the file system, has no locks."""


def _lock(descriptor: int) -> bool:
    """Lock an open file for this process; False if another one has it.

    Raises:
        NoLocks: there are none here.
        OSError: it cannot be locked.
    """
    try:
        return _system_lock(descriptor)
    except ImportError as error:
        raise NoLocks(errno.ENOSYS, "this system has no locks") from error
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES, errno.EWOULDBLOCK, errno.EDEADLK):
            return False
        if error.errno in _WITHOUT_LOCKS:
            raise NoLocks(error.errno, error.strerror) from error
        raise


if sys.platform == "win32":

    def _system_lock(descriptor: int) -> bool:
        import msvcrt

        position = os.lseek(descriptor, 0, os.SEEK_CUR)
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(descriptor, position, os.SEEK_SET)
        return True

    def _is_running(process: int) -> bool:
        return True

else:

    def _system_lock(descriptor: int) -> bool:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True

    def _is_running(process: int) -> bool:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return False
        except (PermissionError, OverflowError):
            return True
        return True


class _File(FileIO):
    """An open file that this process has alone until it is closed."""

    _marker: Path | None = None

    def take(self, path: Path) -> bool:
        """Lock it under the name that it was opened by; False if another process has it."""
        try:
            return _lock(self.fileno())
        except NoLocks as lack:
            if not isinstance(lack.__cause__, ImportError):
                _log.warning("%s cannot be locked (%s): a file beside it is", path, lack.strerror)
            self._marker = _marked(path)
            return self._marker is not None

    def close(self) -> None:
        marker, self._marker = self._marker, None
        # A process that was forked off has the file open too, but does not hold it.
        if marker is not None and _holder(marker) == _this_process():
            marker.unlink(missing_ok=True)
        super().close()


def _marked(path: Path) -> Path | None:
    """The file beside ``path`` that says that this process has it; None if another one says so."""
    marker = path.with_name(f".{path.name}.held")
    for _ in range(2):
        try:
            descriptor = os.open(marker, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        except FileExistsError:
            host, _, process = _holder(marker).partition(" ")
            if host != gethostname() or not process.isdecimal() or _is_running(int(process)):
                return None
            marker.unlink(missing_ok=True)
            continue
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(_this_process())
        return marker
    return None


def _this_process() -> str:
    return f"{gethostname()} {os.getpid()}"


def _holder(marker: Path) -> str:
    """Host and process that a marker names; empty where it cannot be read."""
    try:
        return marker.read_bytes()[:1000].decode(errors="replace")
    except OSError:
        return ""


def open_alone(path: Path) -> FileIO | None:
    """The file, open for reading and appending by this process alone; None if another has it.

    Raises:
        OSError: it cannot be opened.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    return _held(path, "a+b")


def _held(path: Path, mode: str) -> FileIO | None:
    while True:
        stream = _File(path, mode)
        try:
            alone = stream.take(path)
        except OSError:
            stream.close()
            raise
        # Whoever held it may have removed or replaced it between our opening and our locking it.
        if alone and path.exists() and path.stat().st_ino == os.fstat(stream.fileno()).st_ino:
            return stream
        stream.close()
        if not alone:
            return None


@contextmanager
def locked(path: Path, wait_s: float = 60.0) -> Iterator[None]:
    """While inside, no other process that asks for the same has ``path``, which must exist.

    For reading, changing and writing it again by :func:`nasprof.files.write_atomic` without losing
    what another process writes meanwhile. The lock ends with the process, however it ends.

    Raises:
        NasprofError: another process keeps it for longer than ``wait_s``, or it cannot be read.
    """
    path = target(path)
    end = time.monotonic() + wait_s
    while (stream := _existing(path)) is None:
        if time.monotonic() > end:
            raise NasprofError(
                f"another process has been at work on {path} for {wait_s:g} s",
                "Wait for it to end, and run the same command again.",
            )
        time.sleep(0.05)
    with stream:
        yield


def _existing(path: Path) -> FileIO | None:
    """The file that has this name right now, locked; None if another process has it."""
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise NasprofError(f"cannot read {path}: {error.strerror}") from error
    try:
        if sys.platform == "win32":  # where a file that is open cannot be replaced
            return open_alone(path.with_name(f".{path.name}.lock"))
        return _held(path, "rb")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise NasprofError(f"cannot lock {path}: {error.strerror}") from error


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
            with suppress(PermissionError):  # of Windows, where it is open
                path.unlink(missing_ok=True)
