"""A CSV of paths and labels: header ``path,label`` or ``path,label,split``."""

from __future__ import annotations

import csv
import io
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nasprof.errors import UsageError
from nasprof.reader import brief
from nasprof.reading import read_text
from supernets.data.formats.base import DataFormat
from supernets.data.formats.names import class_name
from supernets.data.options import DataOptions
from supernets.data.samples import SPLIT_NAMES, UNASSIGNED, FileImages, Samples

MAX_BYTES = 256 << 20
MAX_ROWS = 3_000_000
_COLUMNS = ("path", "label")
_SPLIT = "split"


class CsvFormat(DataFormat):
    """A row an image; paths are relative to the folder of the CSV, other columns are ignored."""

    layout = "a .csv file with the columns path, label and perhaps split"

    def accepts(self, path: Path) -> bool:
        return path.suffix.lower() == ".csv" and not path.is_dir()

    def read(self, path: Path, options: DataOptions) -> Samples:
        rows = _rows(path)
        classes = tuple(sorted({row.label for row in rows}, key=_order))
        index = {name: number for number, name in enumerate(classes)}
        return Samples(
            images=FileImages(
                [path.parent / row.path for row in rows],
                [row.path for row in rows],
                options.max_pixels,
            ),
            labels=np.array([index[row.label] for row in rows], np.int64),
            classes=classes,
            splits=np.array([row.split for row in rows], np.intp),
        )


class _Row(NamedTuple):
    path: str
    label: str
    split: int


def _order(label: str) -> tuple[bool, int, str]:
    """Numbers by their value, before other labels."""
    number = label.isascii() and label.isdigit() and len(label) < 20
    return not number, int(label) if number else 0, label


def _rows(path: Path) -> list[_Row]:
    """The rows of a CSV.

    Raises:
        UsageError: naming the line that is wrong.
    """
    text = read_text(path, "a CSV with the columns path and label", MAX_BYTES)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        columns = [name.strip().lower() for name in next(reader, [])]
        missing = [name for name in _COLUMNS if columns.count(name) != 1]
        if missing:
            raise UsageError(
                f"{path} has the columns {brief(columns)}, expected path and label once each",
                "Its first line must be path,label or path,label,split.",
            )
        rows = [
            _row(path, reader.line_num, columns, row)
            for row in islice(reader, MAX_ROWS + 1)
            if any(row)
        ]
    except csv.Error as error:
        raise UsageError(f"{path}, line {reader.line_num}: {error}") from error
    if len(rows) > MAX_ROWS:
        raise UsageError(f"{path} has more than {MAX_ROWS:,} rows", "Split it.")
    return rows


def _row(path: Path, line: int, columns: list[str], fields: list[str]) -> _Row:
    where = f"{path}, line {line}"
    if len(fields) != len(columns):
        raise UsageError(f"{where} has {len(fields)} fields, expected {len(columns)}")
    row = dict(zip(columns, fields, strict=True))
    for name in _COLUMNS:
        if not row[name].strip():
            raise UsageError(f"{where} has no {name}", "Every image needs a label.")
    if "\0" in row["path"]:
        raise UsageError(f"{where}: the path {brief(row['path'])} has a NUL")
    split = row.get(_SPLIT, "").strip()
    if split and split.lower() not in SPLIT_NAMES:
        raise UsageError(
            f"{where}: the split is {brief(split)}, expected train, validation or test"
        )
    kind = SPLIT_NAMES[split.lower()] if split else UNASSIGNED
    return _Row(row["path"], class_name(row["label"]), kind)
