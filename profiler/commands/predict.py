"""``nasprof predict``: the latency of architectures from a lookup table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nasprof.cli import GreedyCommand, json_option, print_json, show_table
from profiler.commands.options import Milliseconds, arch_option
from profiler.commands.speed import said
from profiler.commands.target import target_options

if TYPE_CHECKING:
    from devices import Target
    from luts import Bound
    from profiler.api.predict import Predictions


@click.command(cls=GreedyCommand)
@click.option("--lut", "table", required=True, help="Name of a lookup table, or a file (.json).")
@arch_option("paths", required=True)
@click.option("--clock", type=click.Choice(["wall", "cpu"]), help="The table's unless given.")
@click.option("--budget", "budget_ms", type=Milliseconds(), help="Say who meets it.")
@click.option(
    "--speed",
    "speed_of",
    type=click.Choice(["table", "today"]),
    default="table",
    show_default=True,
    help="The device's speed that latencies are of; today's is timed on the device.",
)
@target_options()
@json_option
def predict(
    target: Target,
    table: str,
    paths: tuple[Path, ...],
    clock: str | None,
    budget_ms: float | None,
    speed_of: str,
    as_json: bool,
) -> None:
    """Predict the latency of architectures without running them.

    Upper bounds are there if the table was audited: those of random networks, and the one of
    networks that a search has chosen. A budget is compared with the former, of 95 %. The options
    of a device are for --speed today.
    """
    import profiler
    from profiler.commands.building import building_progress

    predictions = profiler.predict(
        table,
        paths,
        budget=budget_ms,
        clock=clock,
        speed=speed_of,
        device=target,
        progress=building_progress(),
    )
    if as_json:
        print_json(predictions.to_dict())
    else:
        _show(predictions, budget_ms)


_BUDGET_CONFIDENCE = 0.95
"""Of the bound that a budget is compared with, see :mod:`profiler.api.predict`."""


def _show(predictions: Predictions, budget_ms: float | None) -> None:
    model, rows = predictions.model, predictions.to_dict()
    bounds = {str(confidence): bound for confidence, bound in model.bounds().items()}
    columns = ["architecture", "space", ">latency ms", *(f">{float(name):.0%}" for name in bounds)]
    columns += [f">chosen {_BUDGET_CONFIDENCE:.0%}"] if bounds else []
    columns += [] if budget_ms is None else ["within"]
    cells = []
    for row in rows:
        upper = [f"{row['upper_ms'][name]:.3f}" for name in bounds]
        if bounds:
            upper.append(f"{row['answer_upper_ms'][str(_BUDGET_CONFIDENCE)]:.3f}")
        verdict = [] if budget_ms is None else ["yes" if row["within_budget"] else "no"]
        cells.append([row["name"], row["space"], f"{row['latency_ms']:.3f}", *upper, *verdict])
    notes = [*_notes(bounds, budget_ms), said(rows[0]["speed"])]
    show_table(columns, cells, f"{model.name}: predicted latency, {model.clock} clock", notes)


def _notes(bounds: Mapping[str, Bound], budget_ms: float | None) -> list[str]:
    """What the columns mean, and which bounds rest on an assumption."""
    shares = {name: f"{float(name):.0%}" for name in bounds}
    notes = []
    if bounds:
        notes.append(
            f"{', '.join(shares.values())}: a random network takes at most this, with that "
            f"confidence; chosen {_BUDGET_CONFIDENCE:.0%}: one that a search has chosen"
        )
    assuming = [shares[name] for name, bound in bounds.items() if bound.method == "student"]
    if assuming:
        notes.append(f"{', '.join(assuming)}: few networks were audited; assumes log-normal errors")
    if budget_ms is not None:
        bound = f"at most ({_BUDGET_CONFIDENCE:.0%})" if bounds else "predicted"
        notes.append(f"within: {bound} {budget_ms:g} ms")
    return notes
