"""Telling whether the contents of a file are what was written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from nasprof.errors import UsageError
from nasprof.reader import Reader


def digest(data: Mapping[str, object]) -> str:
    """SHA-256 of the values of a JSON object, whatever the order of its keys."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def check_digest(data: Mapping[str, object], remedy: str) -> None:
    """Look whether the contents are what was written.

    Raises:
        UsageError: they are not, with the given remedy.
    """
    stated = Reader(data, "file").take("sha256", "a string")
    if stated != digest({key: value for key, value in data.items() if key != "sha256"}):
        raise UsageError(
            "the contents do not fit the field 'sha256': it was changed by hand or is damaged",
            remedy,
        )
