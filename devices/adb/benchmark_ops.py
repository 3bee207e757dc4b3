"""The per-operator profile that ``benchmark_model`` prints as a table or writes as CSV."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from devices.foreign import MAX_TIME_MS, clean, number, whole

Phase = Literal["init", "run"]


@dataclass(frozen=True)
class OpRecord:
    """One operator, averaged over the profiled runs.

    Args:
        phase: whether it belongs to initialisation or to a run.
        share: of the phase's time, 0 to 1.
        start_ms: when it began (old builds only).
    """

    phase: Phase
    node_type: str
    name: str
    first_ms: float
    avg_ms: float
    share: float
    memory_kb: float
    times_called: int
    start_ms: float | None = None


_NUMBER = r"(-?[\d.]+(?:e[+-]?\d+)?)"
_CSV_ROW = re.compile(
    rf"^(.+?), {_NUMBER}, {_NUMBER}, {_NUMBER}%, {_NUMBER}%, {_NUMBER}, (\d+), (.*)$"
)
MAX_OPS = 100_000
"""Operators of a model, and calls of one in a run."""


def parse_ops(lines: Sequence[str]) -> list[OpRecord]:
    """The operators in the order they run, from a table or from CSV."""
    phase: Phase = "run"
    inside = False
    columns: list[str] = []
    records: list[OpRecord] = []
    for line in lines:
        if "Profiling Info for Benchmark Initialization" in line:
            phase = "init"
        elif "Profiling Info for Regular Benchmark Runs" in line:
            phase = "run"
        if line.startswith("===="):
            inside = "Run Order" in line
        elif inside and "[node type]" in line:
            columns = [cell.strip(" []") for cell in line.split("\t")]
        elif inside:
            record = _csv_record(line, phase) or _table_record(line, phase, columns)
            records += [record] if record else []
        if len(records) >= MAX_OPS:
            break
    return records


def _csv_record(line: str, phase: Phase) -> OpRecord | None:
    row = _CSV_ROW.match(line)
    if not row:
        return None
    node_type, first, average, share, _, memory, times, name = row.groups()
    return _record(phase, node_type, name, (first, average, share, memory, times))


def _table_record(line: str, phase: Phase, columns: list[str]) -> OpRecord | None:
    cells = [cell.strip() for cell in line.split("\t")]
    if not columns or len(cells) != len(columns):
        return None
    row = dict(zip(columns, cells, strict=True))
    if not row.keys() >= {"node type", "Name", *_COLUMNS}:
        return None
    figures = (row[column].removesuffix("%") for column in _COLUMNS)
    return _record(phase, row["node type"], row["Name"], tuple(figures), row.get("start"))


_COLUMNS = ("first", "avg ms", "%", "mem KB", "times called")


def _record(
    phase: Phase, node_type: str, name: str, figures: tuple[str, ...], start: str | None = None
) -> OpRecord | None:
    """A record of what was printed; None where a figure makes no sense."""
    first, average, start_ms = (
        None if text is None else number(text, 0, MAX_TIME_MS) for text in (*figures[:2], start)
    )
    percent, memory = number(figures[2], 0, 100.5), number(figures[3], -1e12, 1e12)
    times = whole(figures[4], 0, MAX_OPS)
    if first is None or average is None or percent is None or memory is None or times is None:
        return None
    node, label = clean(node_type), clean(name, 1000)
    return OpRecord(phase, node, label, first, average, percent / 100, memory, times, start_ms)
