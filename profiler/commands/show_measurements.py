"""Measurements as a table on stdout."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nasprof.cli import show_table
from profiler.reports.measurements import FLAG_WORDS, Record, inputs_in_words


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
        yield from inputs_in_words(record)
    for flag in sorted({flag for record in records for flag in record["flags"]}):
        yield f"{flag}: {FLAG_WORDS.get(flag, 'see the documentation')}"
