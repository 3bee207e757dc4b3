"""The per-operator profile that ``benchmark_model`` prints as a table or writes as CSV."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

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
    return records


def _csv_record(line: str, phase: Phase) -> OpRecord | None:
    row = _CSV_ROW.match(line)
    if not row:
        return None
    node_type, first, average, share, _, memory, times, name = row.groups()
    return OpRecord(
        phase,
        node_type,
        name,
        float(first),
        float(average),
        float(share) / 100,
        float(memory),
        int(times),
    )


def _table_record(line: str, phase: Phase, columns: list[str]) -> OpRecord | None:
    cells = [cell.strip() for cell in line.split("\t")]
    if not columns or len(cells) != len(columns):
        return None
    row = dict(zip(columns, cells, strict=True))
    try:
        return OpRecord(
            phase,
            row["node type"],
            row["Name"],
            float(row["first"]),
            float(row["avg ms"]),
            float(row["%"].rstrip("%")) / 100,
            float(row["mem KB"]),
            int(row["times called"]),
            float(row["start"]) if "start" in row else None,
        )
    except (KeyError, ValueError):
        return None
