"""Temporary folders of which nothing is left, however their process ends.

Each holds a file that its process keeps locked. The system lets go of the lock when the process
ends, also by SIGKILL, and the next process that makes such a folder removes it. Where there are
no locks, folders are removed by their own process alone.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import weakref
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import TracebackType

from nasprof.errors import NasprofError
from nasprof.files import holds_alone

PREFIX = "nasprof-"
_HELD = ".held"


class TemporaryFolder:
    """A new folder for this user alone, removed with what it holds; a context manager of its path.

    Args:
        prefix: of its name; to be removed by others it begins with :data:`PREFIX`.
        parent: where it is made; where the system has temporary files (``$TMPDIR``) unless given.

    Raises:
        NasprofError: it cannot be made.
    """

    def __init__(self, prefix: str = PREFIX, parent: Path | None = None) -> None:
        try:
            root = Path(tempfile.gettempdir() if parent is None else parent)
            _sweep(root)
            self.path = Path(tempfile.mkdtemp(prefix=prefix, dir=root))
            self._remove = weakref.finalize(self, _give_up, self.path, _hold(self.path))
        except OSError as error:
            raise NasprofError(
                f"there is no place for temporary files: {error.strerror}",
                "Name a folder that can be written in $TMPDIR.",
            ) from error

    def cleanup(self) -> None:
        """Remove it; it may be gone already."""
        self._remove()

    def __enter__(self) -> Path:
        return self.path

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.cleanup()


def _hold(folder: Path) -> int:
    """Mark a folder as in use; the descriptor that does so."""
    # Locked before it has the name that others look for.
    scratch = folder / f"{_HELD}.new"
    try:
        descriptor = os.open(scratch, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError:
        folder.rmdir()
        raise
    if holds_alone(descriptor):
        scratch.rename(folder / _HELD)
    return descriptor


def _give_up(folder: Path, descriptor: int) -> None:
    _remove(folder)
    with suppress(OSError):
        os.close(descriptor)


def _remove(folder: Path) -> None:
    """Remove a folder, its mark last: if this is cut short, others go on with it."""
    with suppress(OSError):
        for path in folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name != _HELD:
                path.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


@cache
def _sweep(root: Path) -> None:
    """Remove this user's folders of processes that have ended."""
    if not hasattr(os, "geteuid"):  # no locks of this kind either
        return
    with suppress(OSError):
        for folder in root.glob(f"{PREFIX}*"):
            with suppress(OSError):
                _remove_if_dead(folder)


def _remove_if_dead(folder: Path) -> None:
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        return
    descriptor = os.open(folder / _HELD, os.O_RDWR | os.O_NOFOLLOW)
    try:
        if holds_alone(descriptor):
            _remove(folder)
    finally:
        os.close(descriptor)
