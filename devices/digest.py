"""What identifies a model: the content of its file and of those that belong to it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path


def model_digest(path: Path, companions: Sequence[Path] = ()) -> str:
    """SHA-256 as hexadecimal digits: of the file, or of it and its companions by their names."""
    own = _digest(path)
    if not companions:
        return own
    whole = hashlib.sha256(bytes.fromhex(own))
    for companion in companions:
        name = companion.relative_to(path.parent).as_posix()
        whole.update(f"\n{name}\n{_digest(companion)}".encode("utf-8", "surrogateescape"))
    return whole.hexdigest()


def model_size(path: Path, companions: Sequence[Path] = ()) -> int:
    """Bytes of a model file and of what belongs to it."""
    return sum(file.stat().st_size for file in (path, *companions))


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
