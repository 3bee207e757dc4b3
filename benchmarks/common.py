"""What the benchmarks share: a table on stdout, and JSON with where it was measured."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from devices import host
from nasprof import __version__

RESULTS = Path(__file__).parent / "results"
PUBLISHED = Path(
    os.environ.get("NASPROF_PUBLISHED", Path(__file__).resolve().parents[1] / "out/published")
)
"""Whole tables of published data; ``tests/data/README.md`` says where they come from."""


def report(
    name: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    quiet: bool = False,
    **facts: Any,
) -> None:
    """Print rows as a table and write them, with ``facts``, to ``results/NAME.json``.

    Args:
        quiet: whether only to write them.
    """
    table = Table(title=name)
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    # A table cut to the width of a pipe would say nothing.
    console = Console()
    if not quiet:
        Console(width=None if console.is_terminal else 160).print(table)
    RESULTS.mkdir(exist_ok=True)
    record = {
        "schema": 1,
        "benchmark": name,
        "nasprof": __version__,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": host.fingerprint(),
        "columns": list(columns),
        "rows": [list(row) for row in rows],
        **facts,
    }
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(record, indent=1) + "\n")
    if not quiet:
        print(f"Written to {path}")


def seed_list(text: str) -> list[int]:
    """``0,1,2`` as numbers."""
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of seeds") from error


def mean_and_error(values: Sequence[float | None], digits: int = 1) -> str:
    """Mean and standard error; how many there are where some are missing."""
    known = [value for value in values if value is not None]
    if not known:
        return "-"
    error = np.std(known, ddof=1) / len(known) ** 0.5 if len(known) > 1 else float("nan")
    missing = f" ({len(known)} of {len(values)})" if len(known) < len(values) else ""
    return f"{np.mean(known):.{digits}f} ± {error:.{digits}f}{missing}"
