"""What ``nassearch transfer`` shows: how far it has come, and what it has come to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nasprof.cli import say, show_table
from nasprof.typing import JsonObject
from search.commands.progress import late_bar
from search.naming import brief_arch

if TYPE_CHECKING:
    from search.adaptation.request import TransferProgress, TransferStatus
    from search.adaptation.result import TransferResult
    from search.delivery.delivery import Delivery


@contextmanager
def transfer_progress() -> Iterator[TransferProgress]:
    """What is shown while a supernet is adapted: a bar of each step, a line an iteration."""
    from search.adaptation.request import TransferProgress
    from search.commands.training_bar import training_bar

    with ExitStack() as bars, training_bar() as training:
        yield TransferProgress(
            reading=late_bar(bars, "reading images"),
            training=training,
            evaluating=late_bar(bars, "evaluating"),
            iteration=_say,
        )


def _say(status: TransferStatus) -> None:
    """A line on stderr: accuracies and other objectives of the ends of the front."""
    ends = [_brief(one["values"]) for one in (*status.front[:1], *status.front[-1:])]
    shown = " to ".join(dict.fromkeys(ends)) or "no front yet"
    say(
        f"Iteration {status.iteration} of {status.iterations}: {shown}; {status.networks} networks "
        f"evaluated, {len(status.front)} on the front, {status.cpu_s:.0f} CPU s, "
        f"about {status.remaining_s:.0f} left"
    )


def _brief(values: JsonObject) -> str:
    (_, accuracy), *others = values.items()
    return ", ".join([f"{accuracy:.1f} %", *(f"{value:.4g} {name}" for name, value in others[:1])])


def show_transfer(result: TransferResult) -> None:
    """Print the front."""
    record = result.to_dict()
    names = list(record["objectives"])
    others = [name for name in names if not name.startswith("top1")]
    preferred = set(record["trade_off"])
    several = len({one["arch"].get("resolution") for one in result.front}) > 1

    def pixels(one: JsonObject) -> list[str]:
        return [str(one["arch"]["resolution"])] if several else []

    rows = [
        (
            "*" if number in preferred else "",
            _percent(one["test_top1"]),
            _percent(one["validation_top1"]),
            *(f"{one['values'][name]:.6g}" for name in others),
            *pixels(one),
            brief_arch(one["arch"]),
        )
        for number, one in enumerate(result.front)
    ]
    columns = [f">{name}" for name in others] + ([">pixels"] if several else [])
    notes = [
        f"{record['evaluations']} evaluations, {record['steps']:,} steps, {record['cpu_s']:.0f} "
        "CPU seconds; * has the outstanding trade-off",
        f"adapted supernet: {result.path}",
    ]
    head = ("", ">test top-1 %", ">validation %", *columns, "architecture")
    show_table(head, rows, notes=notes)


def _percent(accuracy: float | list[float | None] | None) -> str:
    several = accuracy if isinstance(accuracy, list) else [accuracy]
    return " / ".join("-" if one is None else f"{one:.1f}" for one in several)


def show_deliveries(delivered: Mapping[str, Delivery], folder: Path) -> None:
    """Print a row a file."""
    if not delivered:
        return
    rows = [
        (
            str(Path(name, file.name)),
            f"{file.here.accuracy.top1:.2f}",
            "-" if file.latency_ms is None else f"{file.latency_ms:.3g}",
        )
        for name, delivery in delivered.items()
        for file in delivery
    ]
    click.echo()
    show_table((f"file in {folder}", ">test top-1 %", ">ms"), rows)
