"""Tables made from the files of others, with what is known of where they came from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from luts.formats.base import TableFormat
from luts.table import LookupTable
from nasprof.errors import UsageError
from nasprof.reading import read_text
from spaces import Space


def import_files(
    reader: TableFormat,
    format_name: str,
    paths: Sequence[Path],
    spaces: Sequence[Space],
    name: str,
    device: str | None = None,
) -> tuple[LookupTable, list[str]]:
    """The table in files of some format, and what whoever imports it should know.

    Args:
        spaces: those the entries belong to, where the files do not tell.
        name: of the new table.
        device: what it was measured on, None if that is not known.

    Raises:
        UsageError: a file cannot be read, or holds no such table.
    """
    texts: dict[str, str] = {}
    for path in paths:
        if str(path) in texts:
            raise UsageError(f"{path} is named twice")
        texts[str(path)] = read_text(path, f"a table as {format_name}")
    found = reader.read(texts, spaces)
    files = [
        {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        for path in paths
    ]
    unknown = dict.fromkeys(("runtime", "threads", "precision", "batch", "protocol"))
    provenance = {
        "source": "imported",
        "format": format_name,
        "files": files,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "device": device,
        **unknown,
    }
    return LookupTable(name, found.spaces, found.entries, provenance), list(found.notes)
