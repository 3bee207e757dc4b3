"""What a cost model tells of how it was measured, as far as anything relies on it."""

from __future__ import annotations

from nasprof.reader import Reader
from nasprof.typing import JsonObject

_KINDS = {
    **dict.fromkeys(
        ("device", "runtime", "runtime_version", "precision", "source", "time", "weights"),
        "a string or null",
    ),
    **dict.fromkeys(("threads", "batch", "seed"), "a whole number or null"),
    **dict.fromkeys(
        ("device_options", "device_fingerprint", "runtime_options", "runtime_facts", "protocol"),
        "an object or null",
    ),
    "affinity": "a list of whole numbers or null",
    "flags": "a list of strings",
}


def check_provenance(provenance: JsonObject) -> None:
    """Refuse fields that are there but of another kind; all may be missing.

    Raises:
        UsageError: naming the field.
    """
    reader = Reader(dict(provenance), "provenance")
    for name, kind in _KINDS.items():
        if name in provenance:
            reader.take(name, kind)
