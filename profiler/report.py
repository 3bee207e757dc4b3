"""Measurements for people: a table, CSV, a histogram of samples.

All take measurements as JSON records (:meth:`profiler.measure.Measurement.as_dict`), so that
saved ones are shown the same way.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from nasprof.files import write_atomic

if TYPE_CHECKING:
    from rich.table import Table

Record: TypeAlias = dict[str, Any]

_CSV_FIELDS = (
    "name",
    "device",
    "runtime",
    "runtime_version",
    "threads",
    "precision",
    "batch",
    "trimmed_mean_ms",
    "ci95_low_ms",
    "ci95_high_ms",
    "median_ms",
    "min_ms",
    "p90_ms",
    "p99_ms",
    "std_ms",
    "cpu_trimmed_mean_ms",
    "overhead_ms",
    "samples",
    "stopped",
    "flags",
    "time",
)


def results_table(records: Sequence[Record]) -> Table:
    """One line a measurement, latencies in milliseconds."""
    from rich.table import Table

    first = records[0]
    table = Table(
        title=f"{first['device']}: {first['runtime']} {first['runtime_version']}, "
        f"threads {first['threads']}, {first['precision']}, batch {first['batch']}",
    )
    table.add_column("model", overflow="fold")
    for column in ("latency ms", "±95 %", "median", "p90", "min", "CPU ms", "samples", "stopped"):
        table.add_column(column, justify="right")
    table.add_column("flags", overflow="fold")
    for record in records:
        wall, cpu = record["latency_ms"], record["cpu_ms"]
        low, high = wall["ci95"]
        table.add_row(
            record["name"],
            f"[bold]{wall['trimmed_mean']:.3f}[/bold]",
            f"{(high - low) / 2 / wall['trimmed_mean']:.1%}",
            f"{wall['median']:.3f}",
            f"{wall['p90']:.3f}",
            f"{wall['min']:.3f}",
            "-" if cpu is None else f"{cpu['trimmed_mean']:.3f}",
            str(len(record["samples_ms"])),
            record["stopped"],
            " ".join(record["flags"]) or "-",
        )
    return table


def results_csv(records: Sequence[Record]) -> str:
    """One line a measurement, with a header."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _CSV_FIELDS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for record in records:
        wall, cpu = record["latency_ms"], record["cpu_ms"]
        names = ("trimmed_mean", "median", "min", "p90", "p99", "std")
        writer.writerow(
            record
            | {f"{name}_ms": wall[name] for name in names}
            | {"ci95_low_ms": wall["ci95"][0], "ci95_high_ms": wall["ci95"][1]}
            | {"cpu_trimmed_mean_ms": "" if cpu is None else cpu["trimmed_mean"]}
            | {"samples": len(record["samples_ms"]), "flags": " ".join(record["flags"])}
        )
    return text.getvalue()


def plot_samples(records: Sequence[Record], path: Path) -> None:
    """Histogram of each measurement's samples with its trimmed mean, as PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(
        len(records), 1, figsize=(7, 0.9 + 1.7 * len(records)), squeeze=False, layout="constrained"
    )
    for axis, record in zip(axes[:, 0], records, strict=True):
        mean, p99 = record["latency_ms"]["trimmed_mean"], record["latency_ms"]["p99"]
        shown = [sample for sample in record["samples_ms"] if sample <= 1.2 * p99]
        axis.hist(shown, bins=60, color="#4878a8")
        axis.axvline(mean, color="#c03d3e", linewidth=1.5)
        beyond = len(record["samples_ms"]) - len(shown)
        tail = f", {beyond} beyond the right edge" if beyond else ""
        axis.set_title(
            f"{record['name']}: {mean:.3f} ms (trimmed mean of {len(record['samples_ms'])}{tail})",
            fontsize="medium",
            loc="left",
        )
        axis.set_ylabel("runs")
        axis.spines[["top", "right"]].set_visible(False)
    axes[-1, 0].set_xlabel("latency of one run in ms")
    figure.suptitle(
        f"{records[0]['device']}, {records[0]['runtime']} {records[0]['runtime_version']}"
    )
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=130)
    pyplot.close(figure)
    write_atomic(path, buffer.getvalue())
