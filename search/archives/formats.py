"""Archives as tables for other programs, a file format each."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from nasprof.registry import Registry
from nasprof.typing import Indices
from search.archives.stored import StoredArchive

TableFormat: TypeAlias = Callable[[StoredArchive, Indices, bool], str]
"""An archive, indices in it, and whether to tell why some failed, to the text of a file."""

archive_formats: Registry[TableFormat] = Registry(
    "format of archives", {"csv": "search.archives.formats:as_csv"}
)


def archive_text(
    archive: StoredArchive, form: str = "csv", *, front: bool = False, failed: bool = False
) -> str:
    """An archive as a table, the text of a file.

    Args:
        form: name of the file format.
        front: whether only what nothing dominates is in it.
        failed: whether what failed is in it too, and a column saying why.

    Raises:
        UsageError: there is no such format.
    """
    write = archive_formats.get(form)
    indices = np.arange(len(archive)) if failed else np.flatnonzero(archive.known)
    return write(archive, archive.front if front else indices, failed)


def as_csv(archive: StoredArchive, indices: Indices, errors: bool) -> str:
    """A column ``arch`` of JSON, one an objective in its own unit, and ``error`` if asked for."""
    names = [objective.name for objective in archive.objectives]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["arch", *names, *(["error"] if errors else [])])
    archs = archive.space.decode(archive.genes[indices])
    for index, arch in zip(indices.tolist(), archs, strict=True):
        values = [
            "" if np.isnan(value) else repr(value) for value in archive.values[index].tolist()
        ]
        why: list[str] = [archive.errors[index] or ""] if errors else []
        writer.writerow([json.dumps(arch), *values, *why])
    return text.getvalue()
