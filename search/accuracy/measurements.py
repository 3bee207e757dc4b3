"""Networks whose accuracy was measured, from CSV files.

Columns are ``arch,top1``, an arch being a JSON object or a string as in
:func:`spaces.parse_arch`, or ``ks,e,d[,r],top1``, OFA's choices as strings of digits. Others are
ignored. A file whose name ends in ``.gz`` is decompressed.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from nasprof.errors import UsageError
from nasprof.json_text import parse_json
from nasprof.reader import brief
from nasprof.reading import (
    MAX_BYTES,
    MAX_DIGITS,
    decoded,
    gunzipped,
    read_bytes,
    require_short_lines,
)
from nasprof.typing import Array, Indices
from spaces import Arch, Genes, Space, parse_arch, spaces

MAX_NETWORKS = 100_000

_DIGITS = ("ks", "e", "d")
_NEEDED = "a first line that names columns 'arch' and 'top1', or 'ks', 'e', 'd' and 'top1'"


@dataclass(frozen=True)
class MeasuredAccuracy:
    """Distinct networks of one space.

    Args:
        genes: ``(n, n_genes)``.
        top1: mean over repeats in percent, ``(n,)``.
        repeats: how often each was measured, ``(n,)``.
        noise: standard deviation between measurements of the same network in points, pooled;
            None where none was measured twice.

    >>> from spaces import get_space
    >>> space = get_space("nasbench201")
    >>> genes = np.array([[0] * 6, [3] * 6, [3] * 6], np.int8)
    >>> MeasuredAccuracy.of(space, genes, np.array([10.0, 93.0, 94.0])).top1
    array([10. , 93.5])
    """

    space: Space
    genes: Genes
    top1: Array
    repeats: NDArray[np.int64]
    noise: float | None

    def __len__(self) -> int:
        return len(self.genes)

    @classmethod
    def of(cls, space: Space, genes: Genes, top1: Array) -> Self:
        """Measured networks, equal ones averaged.

        Args:
            space: of the networks.
            genes: ``(n, n_genes)``.
            top1: in percent, ``(n,)``.
        """
        distinct, inverse = np.unique(space.canonical(genes), axis=0, return_inverse=True)
        inverse = inverse.reshape(-1)
        repeats = np.bincount(inverse)
        mean = np.bincount(inverse, top1) / repeats
        freedom = len(top1) - len(distinct)
        noise = float(np.sqrt(((top1 - mean[inverse]) ** 2).sum() / freedom)) if freedom else None
        return cls(space, distinct, mean, repeats, noise)

    def take(self, rows: Indices) -> MeasuredAccuracy:
        """The networks of these indices."""
        return MeasuredAccuracy(
            self.space, self.genes[rows], self.top1[rows], self.repeats[rows], self.noise
        )


def read_measurements(path: Path, settings: Mapping[str, object] | None = None) -> MeasuredAccuracy:
    """The networks of a CSV file.

    Args:
        settings: of their space, ``{"space": name, "resolution": 224, ...}``, for archs that do
            not tell it themselves.

    Raises:
        UsageError: naming the line and field that is wrong.
    """
    networks: list[tuple[Space, Arch]] = []
    top1: list[float] = []
    for where, row in _rows(path):
        if len(networks) == MAX_NETWORKS:
            raise UsageError(f"{where}: more than {MAX_NETWORKS:,} networks are too many to fit")
        networks.append(_arch(row, where, settings or {}))
        if networks[-1][0] != networks[0][0]:
            raise UsageError(
                f"{where}: the network is of {networks[-1][0].label}, "
                f"those before of {networks[0][0].label}",
                "Fit one model for each space, width and resolution.",
            )
        top1.append(_percent(row["top1"], where))
    if not top1:
        raise UsageError(f"{path} holds no networks")
    if max(top1) <= 1:
        raise UsageError(
            f"{path}: every 'top1' is at most 1 (the largest is {max(top1):g}), "
            "expected percent like 75.3",
            "Multiply the column by 100.",
        )
    space = networks[0][0]
    return MeasuredAccuracy.of(space, space.encode([arch for _, arch in networks]), np.array(top1))


def _rows(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Where each row stands, in words, and its fields."""
    lines = csv.DictReader(io.StringIO(_text(path), newline=""))
    try:
        names = lines.fieldnames or ()
        if not _known(names):
            raise UsageError(
                f"{path}: line 1 has columns {', '.join(names)[:200]}; expected {_NEEDED}"
            )
        for row in lines:
            where = f"{path}, line {lines.line_num}"
            lacking = [name for name in (*_columns(names), "top1") if not row[name]]
            if lacking or None in row:
                what = f"field {lacking[0]!r} is missing" if lacking else "has too many fields"
                raise UsageError(f"{where}: {what}", "An arch with commas needs quotes around it.")
            yield where, row
    except csv.Error as error:
        raise UsageError(f"{path}, line {lines.line_num}: {error}") from error


def _columns(names: Sequence[str]) -> tuple[str, ...]:
    return ("arch",) if "arch" in names else _DIGITS


def _known(names: Sequence[str]) -> bool:
    return {*_columns(names), "top1"} <= set(names)


def _text(path: Path) -> str:
    data = read_bytes(path, MAX_BYTES)
    whole = gunzipped(data, path, MAX_BYTES) if path.suffix == ".gz" else data
    text = decoded(whole, path, _NEEDED)
    require_short_lines(text, path)
    return text


def _percent(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0 <= value <= 100:
        raise UsageError(f"{where}: field 'top1' is {brief(text)}, expected percent from 0 to 100")
    return value


def _arch(row: Mapping[str, str], where: str, settings: Mapping[str, object]) -> tuple[Space, Arch]:
    try:
        value = _value(row, where)
        if not (isinstance(value, Mapping) and "space" in value):
            known = (spaces.get(name).recognise(value) for name in spaces)
            value = next((arch for arch in known if arch is not None), value)
        if isinstance(value, Mapping) and value.get("space") == settings.get("space"):
            value = {**settings, **value}
        return parse_arch(value)
    except UsageError as error:
        if error.message.startswith(where):
            raise
        raise UsageError(f"{where}: {error.message}", error.remedy) from error


def _value(row: Mapping[str, str], where: str) -> object:
    """The arch in whatever form the row holds it."""
    if "arch" in row:
        text = row["arch"].strip()
        return parse_json(text, where) if text.startswith("{") else text
    for name in (*_DIGITS, *(["r"] if row.get("r") else [])):
        if not (row[name].isascii() and row[name].isdigit() and len(row[name]) <= MAX_DIGITS):
            raise UsageError(f"{where}: field {name!r} is {brief(row[name])}, expected digits")
    value: dict[str, object] = {name: [int(digit) for digit in row[name]] for name in _DIGITS}
    return value | ({"r": int(row["r"])} if row.get("r") else {})
