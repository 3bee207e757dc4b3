"""Evaluations as lines of an archive: JSON objects, in the objectives' own units."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from nasprof.errors import UsageError
from nasprof.reader import Reader, brief, is_number
from nasprof.typing import JsonObject
from search.archives.archive_log import ArchiveInvalid
from spaces import Genes, Space


@dataclass(frozen=True)
class Line:
    """One evaluation.

    Args:
        index: in the order of proposals.
        genes: canonical, ``(n_genes,)``.
        values: in the objectives' own units, nan where not evaluated.
        error: what went wrong, if that was kept.
    """

    index: int
    genes: list[int]
    values: list[float]
    error: str | None = None

    def to_dict(self, names: Sequence[str]) -> JsonObject:
        """As JSON, without its index, which is the line's number unless others overtook it."""
        values = dict(zip(names, map(finite, self.values), strict=True))
        error = {} if self.error is None else {"error": self.error}
        return {"genes": self.genes, "values": values} | error


def finite(value: float) -> float | None:
    """A number as JSON can hold it."""
    return float(value) if np.isfinite(value) else None


def read_lines(
    records: Iterable[tuple[str, JsonObject]], names: Sequence[str], space: Space, remedy: str
) -> list[Line]:
    """Evaluations in the order of their lines.

    Args:
        records: each with where it stands.
        names: of the objectives.
        remedy: what to do about a damaged line.

    Raises:
        ArchiveInvalid: naming a line that is damaged.
    """
    lines: list[Line] = []
    wheres: list[str] = []
    indices: set[int] = set()
    for where, record in records:
        try:
            line = _line(record, len(lines), names, space)
            _claim(line.index, indices)
        except UsageError as wrong:
            raise ArchiveInvalid(f"{where}: {wrong.message}", remedy) from wrong
        lines.append(line)
        wheres.append(where)
    wrong_at = _first_not_canonical(space, [line.genes for line in lines])
    if wrong_at is not None:
        what = f"genes {brief(lines[wrong_at].genes)} are not canonical in {space.label}"
        raise ArchiveInvalid(f"{wheres[wrong_at]}: {what}", remedy)
    return lines


def _line(record: JsonObject, number: int, names: Sequence[str], space: Space) -> Line:
    reader = Reader(record, "evaluation")
    row = reader.take("genes", "a list of whole numbers")
    if len(row) != space.n_genes or not all(0 <= gene < 128 for gene in row):
        raise UsageError(f"genes {brief(row)} are not of {space.label}")
    values = reader.take("values", "an object")
    error = reader.take("error", "a string or null") if "error" in record else None
    index = reader.take("place", "a whole number") if "place" in record else number
    return Line(index, row, [_number(values, name) for name in names], error)


def _number(values: JsonObject, name: str) -> float:
    value = values.get(name, "missing")
    if not (value is None or is_number(value)):
        raise UsageError(f"value {name!r} is {brief(value)}, expected a number or null")
    return np.nan if value is None else float(value)


def _claim(index: int, indices: set[int]) -> None:
    if index < 0 or index in indices:
        raise UsageError(f"place {index} is taken or below 0")
    indices.add(index)


def _first_not_canonical(space: Space, rows: Sequence[list[int]]) -> int | None:
    genes: Genes = np.array(rows, np.int8).reshape(-1, space.n_genes)
    right = np.logical_and.reduce(genes < space.n_choices, axis=1)
    right[right] = (space.canonical(genes[right]) == genes[right]).all(1)
    return None if right.all() else int(right.argmin())
