"""Measurements for people: what their flags mean, what was assumed, CSV, a histogram of samples.

All take measurements as JSON records (:meth:`profiler.measuring.records.Measurement.to_dict`), so
that saved ones are shown the same way.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from nasprof.files import write_atomic
from nasprof.typing import JsonObject
from profiler.measuring.inputs import assumptions, described, remedy

Record: TypeAlias = JsonObject

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
    "x_sentinel",
    "overhead_ms",
    "samples",
    "inputs",
    "stopped",
    "flags",
    "time",
)


FLAG_WORDS = {
    "contended": "other work used the processor; end it, or go by the CPU clock (in a container "
    "it may be that of others on the machine)",
    "limited": "the container's CPU quota, or fewer CPUs than threads, kept it waiting; raise it "
    "(docker --cpus, cpu.max, cpuset), use fewer threads, or go by the CPU clock",
    "drift": "the device changed its speed; go by x sentinel, or measure again when it is steady",
    "throttled": "the device slowed down for its temperature; let it cool",
    "incomplete": "the measurement was interrupted",
    "guessed": "the model leaves open what is named above, and it was assumed",
}
"""What each flag means to whoever reads the result, and what to do about it."""


def doubts_about_inputs(records: Sequence[Record]) -> list[str]:
    """What was assumed of the models, a line each."""
    return [
        line for record in records for line in inputs_in_words(record) if " ran on " not in line
    ]


def inputs_in_words(record: Record) -> Iterator[str]:
    """What a user's own model ran on, and what of it was assumed."""
    model, inputs = record["model"], record["inputs"]
    if record["arch"] is None and inputs:
        yield f"{record['name']} ran on {described(inputs)}"
    assumed = [f"{tensor['name']}: {what}" for tensor in inputs for what in assumptions(tensor)]
    if assumed:
        yield f"{record['name']}: assumed {', '.join(assumed)}. {remedy(inputs) or ''}".rstrip()
    if "signature" in model:
        every = ", ".join(model["signatures"])
        yield f"{record['name']}: ran signature {model['signature']} of {every} (--signature)"


def flat_row(record: Record) -> Record:
    """A measurement in one row: the columns of CSV files and data frames; None where unknown."""
    wall, cpu = record["latency_ms"], record["cpu_ms"]
    names = ("trimmed_mean", "median", "min", "p90", "p99", "std")
    row = (
        record
        | {f"{name}_ms": wall[name] for name in names}
        | {"ci95_low_ms": wall["ci95"][0], "ci95_high_ms": wall["ci95"][1]}
        | {"cpu_trimmed_mean_ms": None if cpu is None else cpu["trimmed_mean"]}
        | {"x_sentinel": record["multiples"].get("wall")}
        | {"inputs": described(record["inputs"])}
        | {"samples": len(record["samples_ms"]), "flags": " ".join(record["flags"])}
    )
    return {name: row[name] for name in _CSV_FIELDS}


def results_csv(records: Sequence[Record]) -> str:
    """One line a measurement, with a header."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _CSV_FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(flat_row, records))
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
