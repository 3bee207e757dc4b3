"""Archives as append-only logs: what their headers tell, and when one may be gone on with."""

from __future__ import annotations

import errno
from collections.abc import Mapping

from nasprof.append_log import LogKind
from nasprof.differences import differences
from nasprof.errors import NasprofError, UsageError
from nasprof.reader import is_number
from nasprof.typing import JsonObject

SCHEMA = 1
_MAX_BYTES = 64 << 20
"""Some 300,000 evaluations."""
_MAX_LINES = 400_000
DAMAGED = "It was changed or damaged. Remove it, or begin anew with --fresh."


class ArchiveInvalid(UsageError):
    """A file is no archive, or was damaged otherwise than by a crash."""


class ArchiveMismatch(UsageError):
    """An archive is of another search."""


class ArchiveBusy(NasprofError):
    """Another process is at work on the same archive."""


def header(facts: Mapping[str, object]) -> JsonObject:
    """The first line of an archive."""
    return {"schema": SCHEMA, "facts": dict(facts)}


def _changes(begun: JsonObject, now: JsonObject) -> list[str]:
    """Why a search cannot be gone on with, one difference each.

    Limits follow from budgets by bounds that change as tables learn: where the budgets are the
    same, those it was begun with hold. Archives without budgets have their limits alone.
    """
    skipped = "limits" if _follow(begun, now) else "budgets"
    old, new = ({k: v for k, v in facts.items() if k != skipped} for facts in (begun, now))
    return differences(old, new)


def _follow(begun: JsonObject, now: JsonObject) -> bool:
    """Whether both searches have budgets, and limits on the same objectives."""
    limits = begun.get("limits")
    if not isinstance(limits, dict) or not all(map(is_number, limits.values())):
        return False
    return limits.keys() == now["limits"].keys() and "budgets" in begun and "budgets" in now


ARCHIVES = LogKind(
    "archive",
    SCHEMA,
    ArchiveBusy,
    ArchiveInvalid,
    ArchiveMismatch,
    _changes,
    mismatched="is of another search",
    remedies={
        errno.ENAMETOOLONG: "It is named after its budgets: write them shorter, or set fewer."
    },
    max_bytes=_MAX_BYTES,
    max_lines=_MAX_LINES,
)
