"""Writing files so that bad luck never loses data; :mod:`nasprof.reading` reads them."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from pathlib import Path
from typing import Any

from nasprof.errors import NasprofError


def write_atomic(path: Path, data: bytes) -> None:
    """Replace ``path`` by ``data`` as a whole or not at all.

    Where it is a symbolic link, what that points to is replaced. A file that was there before
    keeps its permissions.

    Raises:
        NasprofError: the data cannot be written (no space, no permission); ``path`` is unchanged.
    """
    scratch: Path | None = None
    try:
        path = target(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o644
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        scratch = Path(name)
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        scratch.chmod(mode)
        scratch.replace(path)
    except OSError as error:
        raise NasprofError(
            f"cannot write {path}: {error.strerror}", "Free some space or choose another place."
        ) from error
    finally:
        if scratch is not None:
            scratch.unlink(missing_ok=True)


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
