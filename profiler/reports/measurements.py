"""Measurements for people: a table, CSV, a histogram of samples.

All take measurements as JSON records (:meth:`profiler.measuring.records.Measurement.as_dict`), so
that saved ones are shown the same way.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from nasprof.cli import show_table
from nasprof.files import write_atomic
from profiler.measuring.inputs import assumptions, described, remedy

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
    return [line for record in records for line in _inputs(record) if " ran on " not in line]


def show_results(records: Sequence[Record], more: Sequence[str] = ()) -> None:
    """Print one line a measurement, latencies in milliseconds; flags are explained below.

    Args:
        more: what else is to be noted.
    """
    first = records[0]
    conditions = [
        f"{first['device']}: {first['runtime']} {first['runtime_version'] or ''}".rstrip(),
        f"threads {first['threads']}",
        *_common(records, "precision", "{}"),
        *_common(records, "batch", "batch {}"),
    ]
    title = ", ".join(conditions)
    numbers = (">latency ms", ">±95 %", ">p90", ">CPU ms", ">x sentinel", ">runs")
    rows = [_result_row(record) for record in records]
    show_table(("model", *numbers, "flags"), rows, title, [*_notes(records), *more])


def _common(records: Sequence[Record], name: str, form: str) -> list[str]:
    """A field in words, if it is known and the same of all."""
    values = {record[name] for record in records}
    return [form.format(value) for value in values if len(values) == 1 and value is not None]


def _result_row(record: Record) -> list[str]:
    wall, cpu = record["latency_ms"], record["cpu_ms"]
    low, high = wall["ci95"]
    return [
        record["name"],
        f"{wall['trimmed_mean']:.3f}",
        f"{(high - low) / 2 / wall['trimmed_mean']:.1%}",
        f"{wall['p90']:.3f}",
        "-" if cpu is None else f"{cpu['trimmed_mean']:.3f}",
        f"{record['multiples']['wall']:.3f}" if record["multiples"] else "-",
        str(len(record["samples_ms"])),
        " ".join(record["flags"]) or "-",
    ]


def _notes(records: Sequence[Record]) -> Iterator[str]:
    """What the numbers are, why measuring stopped, and what the flags mean."""
    trim = records[0]["protocol"]["trim"]
    yield f"latency: mean of the runs without the {trim:.0%} fastest and slowest, wall clock"
    overheads = [record["overhead_ms"] for record in records if record["overhead_ms"] is not None]
    if overheads:
        yield f"of it the framework's own: {min(overheads):.3f} ms (an empty model)"
    if any(record["multiples"] for record in records):
        yield "x sentinel: as a multiple of a reference network run in turns with it"
    protocol = records[0]["protocol"]
    limited = [record["name"] for record in records if record["stopped"] == "limit"]
    if limited and protocol["target"] is not None:
        yield f"stopped at the limit before ±{protocol['target']:.1%}: " + ", ".join(limited)
    for record in records:
        yield from _inputs(record)
    for flag in sorted({flag for record in records for flag in record["flags"]}):
        yield f"{flag}: {FLAG_WORDS.get(flag, 'see the documentation')}"


def _inputs(record: Record) -> Iterator[str]:
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
            | {"x_sentinel": record["multiples"].get("wall", "")}
            | {"inputs": described(record["inputs"])}
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
