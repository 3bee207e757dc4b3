"""The folder of a delivery: it appears as a whole, and takes no other's place."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from nasprof.errors import NasprofError, UsageError
from nasprof.json_text import parse_json
from nasprof.reading import read_text
from nasprof.temporary import TemporaryFolder
from nasprof.typing import JsonObject

CARD, READABLE, LABELS = "card.json", "card.md", "labels.txt"


def require_writable(folder: Path) -> None:
    """Look whether files can be written to a folder, or it can be made.

    Raises:
        NasprofError: no.
    """
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    with _named_in_errors(folder):
        if not existing.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if not os.access(existing, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


@contextmanager
def delivery_folder(folder: Path, identity: JsonObject) -> Iterator[Path]:
    """A scratch folder, of which everything is moved into ``folder`` when the block ends well.

    The card comes last, so that a folder with one is complete.

    Args:
        folder: made if there is none.
        identity: what tells this delivery from others; the card has it as ``request``.

    Raises:
        UsageError: the folder holds another delivery, or files that are of none.
        NasprofError: it cannot be written to.
    """
    fresh = not folder.exists()
    require_writable(folder)
    with _named_in_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        _require_own(folder, identity)
        with TemporaryFolder(parent=folder) as scratch:
            yield scratch
            _move(scratch, folder)
    except BaseException:
        if fresh:
            with suppress(OSError):  # somebody else may have put something there
                folder.rmdir()
        raise


def _require_own(folder: Path, identity: JsonObject) -> None:
    card = folder / CARD
    if not card.exists():
        strangers = [name for name in (READABLE, LABELS) if (folder / name).exists()]
        if strangers:
            raise _taken(folder, f"has a {strangers[0]} that is of no delivery")
        return
    known = parse_json(read_text(card, "a card as JSON"), card)
    request = known.get("request") if isinstance(known, Mapping) else None
    if not isinstance(request, Mapping):
        raise _taken(folder, f"has a {CARD} that is of no delivery")
    differing = [name for name in identity if request.get(name) != identity[name]]
    if differing:
        raise _taken(folder, f"holds another delivery: its {differing[0]} is another one")


def _taken(folder: Path, what: str) -> UsageError:
    return UsageError(f"{folder} {what}", "Choose another folder, or empty this one.")


def _move(scratch: Path, folder: Path) -> None:
    names = sorted(
        (path.name for path in scratch.iterdir() if not path.name.startswith(".")),
        key=lambda name: (name == CARD, name),
    )
    with _named_in_errors(folder):
        for name in names:
            (scratch / name).replace(folder / name)


@contextmanager
def _named_in_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise NasprofError(
            f"cannot write to {folder}: {error.strerror}",
            "Free some space or choose another folder.",
        ) from error
