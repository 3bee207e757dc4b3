"""Evaluations as lines of an archive: JSON objects, in the objectives' own units."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nasprof.errors import UsageError
from nasprof.reader import Reader, brief, is_number
from nasprof.reading import JsonInvalid, plain_json
from spaces import Genes, Space

MAX_ARCHIVE = 64 << 20
"""Bytes: some 300,000 evaluations."""
_MOST_LINES = 400_000


class ArchiveInvalid(UsageError):
    """A file is no archive, or was damaged otherwise than by a crash."""


@dataclass(frozen=True)
class Line:
    """One evaluation.

    Args:
        place: in the order of proposals.
        genes: canonical, ``(n_genes,)``.
        values: in the objectives' own units, nan where not evaluated.
        error: what went wrong, if that was kept.
    """

    place: int
    genes: list[int]
    values: list[float]
    error: str | None = None

    def record(self, names: Sequence[str]) -> dict[str, Any]:
        """As JSON, without its place, which is that of the line unless others overtook it."""
        values = dict(zip(names, map(finite, self.values), strict=True))
        error = {} if self.error is None else {"error": self.error}
        return {"genes": self.genes, "values": values} | error


def finite(value: float) -> float | None:
    """A number as JSON can hold it."""
    return float(value) if np.isfinite(value) else None


def split(whole: bytes, path: Path) -> list[bytes]:
    """The lines of an archive.

    Raises:
        ArchiveInvalid: there are more than of any search.
    """
    if whole.count(b"\n") > _MOST_LINES:
        raise ArchiveInvalid(f"{path} has more than {_MOST_LINES:,} lines", "Choose another file.")
    return whole.split(b"\n")


def parsed(where: str, text: bytes, remedy: str) -> Any:
    """The JSON value in a line.

    Raises:
        ArchiveInvalid: naming the line.
    """
    try:
        return plain_json(text)
    except JsonInvalid as error:
        raise ArchiveInvalid(f"{where} is no JSON: {error}", remedy) from error


def read_lines(
    found: Iterable[tuple[str, Any]], names: Sequence[str], space: Space, remedy: str
) -> list[Line]:
    """Evaluations in the order of their lines.

    Args:
        found: JSON values, each with where it stands.
        names: of the objectives.
        remedy: what to do about a damaged line.

    Raises:
        ArchiveInvalid: naming a line that is damaged.
    """
    lines: list[Line] = []
    wheres: list[str] = []
    taken: set[int] = set()
    for where, told in found:
        try:
            line = _line(told, len(lines), names, space)
            _claim(line.place, taken)
        except UsageError as wrong:
            raise ArchiveInvalid(f"{where}: {wrong.message}", remedy) from wrong
        lines.append(line)
        wheres.append(where)
    wrong_at = _first_not_canonical(space, [each.genes for each in lines])
    if wrong_at is not None:
        what = f"genes {brief(lines[wrong_at].genes)} are not canonical in {space.label}"
        raise ArchiveInvalid(f"{wheres[wrong_at]}: {what}", remedy)
    return lines


def _line(told: Any, number: int, names: Sequence[str], space: Space) -> Line:
    reader = Reader(told, "evaluation")
    row = reader.take("genes", "a list of whole numbers")
    if len(row) != space.n_genes or not all(0 <= gene < 128 for gene in row):
        raise UsageError(f"genes {brief(row)} are not of {space.label}")
    values = reader.take("values", "an object")
    error = reader.take("error", "a string or null") if "error" in told else None
    place = reader.take("place", "a whole number") if "place" in told else number
    return Line(place, row, [_number(values, name) for name in names], error)


def _number(values: Mapping[str, Any], name: str) -> float:
    value = values.get(name, "missing")
    if not (value is None or is_number(value)):
        raise UsageError(f"value {name!r} is {brief(value)}, expected a number or null")
    return np.nan if value is None else float(value)


def _claim(place: int, taken: set[int]) -> None:
    if place < 0 or place in taken:
        raise UsageError(f"place {place} is taken or below 0")
    taken.add(place)


def _first_not_canonical(space: Space, rows: Sequence[list[int]]) -> int | None:
    genes: Genes = np.array(rows, np.int8).reshape(-1, space.n_genes)
    right = np.logical_and.reduce(genes < space.n_choices, axis=1)
    right[right] = (space.canonical(genes[right]) == genes[right]).all(1)
    return None if right.all() else int(right.argmin())
