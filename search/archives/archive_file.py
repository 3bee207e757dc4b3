"""The file of an archive: JSON lines after a header, locked as long as a process works on it."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterable, Mapping
from io import FileIO
from pathlib import Path
from typing import Any

from nasprof.differences import differences
from nasprof.errors import NasprofError, UsageError
from nasprof.files import append_whole
from nasprof.locking import open_alone
from nasprof.log import logger
from nasprof.reader import is_number
from nasprof.reading import require_readable
from search.archives.lines import MAX_ARCHIVE, ArchiveInvalid, parsed, split

SCHEMA = 1
_REMEDIES = {
    errno.ENAMETOOLONG: "It is named after its budgets: write them shorter, or set fewer.",
    **dict.fromkeys(
        (errno.EACCES, errno.EEXIST, errno.EISDIR, errno.ENOTDIR, errno.EPERM, errno.EROFS),
        "Choose another place.",
    ),
}
_FULL = "What it holds is kept. Free some space and run the same command again."
DAMAGED = "It was changed or damaged. Remove it, or begin anew with --fresh."


class ArchiveMismatch(UsageError):
    """An archive is of another search."""


class ArchiveBusy(NasprofError):
    """Another process is at work on the same archive."""


class ArchiveFile:
    """Lines of JSON, locked; a last line that a crash left incomplete is cut off.

    Attributes:
        limits: those that it was begun with, once its lines were read.
    """

    def __init__(self, path: Path, header: Mapping[str, Any], fresh: bool) -> None:
        self.path = path
        self._header = header
        self.limits: Mapping[str, float] = header["facts"]["limits"]
        self._stream = _locked(path)
        if fresh:
            self._stream.truncate(0)

    def lines(self) -> list[tuple[str, Any]]:
        """Everything after the header, each with where it stands."""
        require_readable(self.path, MAX_ARCHIVE)
        self._stream.seek(0)
        data = self._stream.read()
        whole, ended, rest = data.rpartition(b"\n")
        texts = split(whole, self.path) if ended else []
        found = [(f"{self.path}, line {n}", text) for n, text in enumerate(texts, 1)]
        values = [(where, parsed(where, text, DAMAGED)) for where, text in found]
        if values:
            self._check(values[0][1])
        if rest:
            self._cut(len(whole) + len(ended), rest)
        if not values:
            self.append([self._header])
        return values[1:]

    def _cut(self, size: int, rest: bytes) -> None:
        """Remove an incomplete last line; of a header only if it is the beginning of ours."""
        if size == 0 and not _line(self._header).startswith(rest):
            raise ArchiveInvalid(f"{self.path} is no archive of a search", "Choose another place.")
        logger.warning(f"{self.path}: the last line is incomplete and is evaluated again")
        self._stream.truncate(size)

    def _check(self, header: Any) -> None:
        known = isinstance(header, dict) and isinstance(header.get("facts"), dict)
        if not known or header.get("schema") != SCHEMA:
            raise ArchiveInvalid(
                f"{self.path} is no archive of this version of nasprof", "Choose another place."
            )
        changed = _changes(header["facts"], self._header["facts"])
        if changed:
            raise ArchiveMismatch(
                f"{self.path} is of another search: {'; '.join(changed)}",
                "Go on as it was begun, choose another place, or begin anew with --fresh.",
            )
        self.limits = header["facts"].get("limits") or {}

    def append(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Write whole lines and force them to disk."""
        data = b"".join(_line(record) for record in records)
        try:
            append_whole(self._stream, data)
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def close(self) -> None:
        """Let go of the file, which stays."""
        self._stream.close()


def _changes(begun: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Why a search cannot be gone on with, one difference each.

    Limits follow from budgets by bounds that change as tables learn: where the budgets are the
    same, those it was begun with hold. Archives without budgets have their limits alone.
    """
    skipped = "limits" if _follow(begun, now) else "budgets"
    old, new = ({k: v for k, v in facts.items() if k != skipped} for facts in (begun, now))
    return differences(old, new)


def _follow(begun: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether both searches have budgets, and limits on the same objectives."""
    limits = begun.get("limits")
    if not isinstance(limits, dict) or not all(map(is_number, limits.values())):
        return False
    return limits.keys() == now["limits"].keys() and "budgets" in begun and "budgets" in now


def _line(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def _locked(path: Path) -> FileIO:
    """The file, open for reading and appending by this process alone."""
    try:
        stream = open_alone(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    if stream is None:
        raise ArchiveBusy(
            f"another process is at work on {path}", "Wait for it to end, or choose another place."
        )
    return stream


def _unwritable(path: Path, error: OSError) -> NasprofError:
    return NasprofError(
        f"cannot write the archive {path}: {error.strerror}",
        _FULL if error.errno is None else _REMEDIES.get(error.errno, _FULL),
    )
