"""Plain CSV: ``key,latency_ms[,cpu_ms][,std_ms][,count]``, one block a line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence

from luts.entry import Entry
from luts.formats.base import Exported, Imported, TableFormat, reject_unknown_keys
from luts.table import LookupTable
from nasprof.errors import UsageError
from nasprof.reader import LONGEST_MS, brief
from nasprof.reading import MAX_NAME, require_short_lines
from spaces import Space

REQUIRED = ("key", "latency_ms")
_MOST_LINES = 100_000
OPTIONAL = ("cpu_ms", "std_ms", "count")
_EXPECTED = f"Expected is a header like {','.join((*REQUIRED, *OPTIONAL))}."


class CsvFormat(TableFormat):
    """``latency_ms`` is wall-clock time, ``cpu_ms`` CPU time, ``std_ms`` that of the former.

    Only the first two columns are required; cells of the others may be empty.
    """

    names_spaces = False

    def read(self, texts: Mapping[str, str], spaces: Sequence[Space]) -> Imported:
        entries: dict[str, Entry] = {}
        places: dict[str, str] = {}
        for name, text in texts.items():
            for place, row in _rows(name, text):
                key = row["key"]
                if key in places:
                    raise UsageError(
                        f"{place}: {brief(key)} stands a second time, after {places[key]}"
                    )
                places[key] = place
                entries[key] = _entry(place, row)
        _check_keys(places, spaces)
        return Imported(tuple(spaces), entries)

    def write(self, table: LookupTable) -> Exported:
        timed = {key: entry for key, entry in table.entries.items() if "wall" in entry.latency_ms}
        if not timed:
            raise UsageError(f"LUT {table.name!r} has no wall-clock times, which CSV needs")
        left_out, total = len(table.entries) - len(timed), len(table.entries)
        losses = []
        if left_out:
            losses.append(f"{left_out} of {total} entries have no wall-clock time and are left out")
        if any(entry.flags for entry in timed.values()):
            losses.append("the flags of entries are left out")
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow((*REQUIRED, *OPTIONAL))
        for key, entry in timed.items():
            times = (entry.latency_ms["wall"], entry.latency_ms.get("cpu"))
            writer.writerow([key, *times, entry.std_ms, entry.count])
        return Exported({f"{table.name}.csv": text.getvalue()}, losses)


def _rows(name: str, text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Each line's place for messages and its cells by column; empty lines are skipped."""
    require_short_lines(text, name)
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    try:
        header = [column.strip() for column in next(reader, [])]
        _check_header(name, header)
        for cells in reader:
            place = f"{name}, line {reader.line_num}"
            if reader.line_num > _MOST_LINES:
                raise UsageError(
                    f"{name} has more than {_MOST_LINES:,} lines, expected one a block"
                )
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                raise UsageError(f"{place}: {len(cells)} cells, expected {len(header)}")
            row = {column: cell.strip() for column, cell in zip(header, cells, strict=True)}
            yield place, row
    except csv.Error as error:
        raise UsageError(f"{name}, line {reader.line_num}: this is no CSV: {error}") from error


def _check_header(name: str, header: Sequence[str]) -> None:
    missing = [column for column in REQUIRED if column not in header]
    if missing:
        raise UsageError(
            f"{name}, line 1: column {missing[0]!r} is missing: found {', '.join(header)!r}",
            _EXPECTED,
        )
    for column in header:
        if column not in (*REQUIRED, *OPTIONAL):
            raise UsageError(f"{name}, line 1: unknown column {brief(column)}", _EXPECTED)
        if header.count(column) > 1:
            raise UsageError(f"{name}, line 1: column {brief(column)} stands twice", _EXPECTED)


def _entry(place: str, row: Mapping[str, str]) -> Entry:
    wall = _number(place, row, "latency_ms")
    if wall is None:
        raise UsageError(f"{place}: latency_ms is empty, expected a number")
    cpu, count = _number(place, row, "cpu_ms"), _number(place, row, "count")
    if count is not None and (count != int(count) or count < 1):
        raise UsageError(f"{place}: count is {row['count'][:60]}, expected a whole number from 1")
    return Entry(
        {"wall": wall} if cpu is None else {"wall": wall, "cpu": cpu},
        _number(place, row, "std_ms"),
        None if count is None else int(count),
    )


def _number(place: str, row: Mapping[str, str], column: str) -> float | None:
    """The cell as a finite number of at least 0, None where it is empty or not there."""
    text = row.get(column, "")
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0 <= value <= LONGEST_MS:
        raise UsageError(
            f"{place}: {column} is {brief(text)}, expected a number of at least 0"
            + (" ms and at most a day" if value > 0 else "")
        )
    return value


def _check_keys(places: Mapping[str, str], spaces: Sequence[Space]) -> None:
    known = {block.key: None for space in spaces for block in space.vocabulary}
    unknown = [f"{key[:MAX_NAME]!r} ({place})" for key, place in places.items() if key not in known]
    labels = ", ".join(space.label for space in spaces)
    reject_unknown_keys("CSV", unknown, len(places), known, labels)
    if not places:
        raise UsageError("CSV: there is no line below the header", _EXPECTED)
