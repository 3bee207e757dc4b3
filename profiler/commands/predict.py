"""``nasprof predict``: the latency of architectures from a lookup table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nasprof.cli import GreedyCommand, json_option, print_json, say, show_table
from profiler.commands.options import Milliseconds, arch_option
from profiler.commands.speed import said
from profiler.commands.target import target_options

if TYPE_CHECKING:
    from devices import Target
    from luts import Bound, CostModel, Speed
    from profiler.model_files.architectures import NamedArch
    from spaces import Space

BUDGET_CONFIDENCE = 0.95


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
    from luts import TABLE_SPEED
    from profiler.model_files.architectures import named_archs
    from profiler.tables.cost_models import open_cost_model

    model = open_cost_model(table, clock)
    subjects = named_archs(paths)
    if budget_ms is not None:
        _check_budget(model, budget_ms, (subject.space for subject in subjects))
    speed = _todays(model, subjects[0].space, target) if speed_of == "today" else TABLE_SPEED
    rows = predictions(model, subjects, budget_ms, speed)
    if as_json:
        print_json(rows)
    else:
        _show(model, rows, budget_ms)


def _todays(model: CostModel, space: Space, target: Target) -> Speed:
    """Today's speed, timed on the device of a table.

    Raises:
        UsageError: it cannot be told, saying why.
        DeviceError: the device cannot be used.
    """
    from luts import LookupTable
    from nasprof.errors import UsageError
    from profiler.commands.building import building_progress
    from profiler.measuring.speed import todays_speed
    from profiler.tables.backend import plan_of
    from profiler.tables.measured import measure_genes
    from profiler.tables.provenance import conditions_of

    if not isinstance(model, LookupTable) or model.sentinel is None:
        raise UsageError(
            f"{model.name!r} keeps no sentinel: today's speed cannot be told",
            "Leave out --speed, or take a table measured on this device: nasprof build-lut.",
        )
    backend = target.resolve(conditions_of(model))
    plan, progress = plan_of(model, space, backend), building_progress()
    say(f"Timing the sentinel on {backend.profile.name!r}")
    speeds = todays_speed(
        model, space, lambda genes: measure_genes(backend, plan, space, genes, progress)
    )
    if speeds is None or model.clock not in speeds:
        raise UsageError(
            f"the sentinel of {model.name!r} is another network than today's",
            "Measure the table anew: nasprof build-lut --fresh.",
        )
    return speeds[model.clock]


def _check_budget(model: CostModel, budget_ms: float, spaces: Iterable[Space]) -> None:
    """Refuse a budget that no network of any of the spaces meets."""
    from luts import BudgetImpossible

    distinct = _distinct(spaces)
    impossible = []
    for space in distinct:
        try:
            model.require_budget(budget_ms, space)
        except BudgetImpossible as error:
            impossible.append(error)
    if impossible and len(impossible) == len(distinct):
        raise impossible[0]
    for refusal in impossible:
        say(refusal.message)


def _distinct(spaces: Iterable[Space]) -> list[Space]:
    distinct: list[Space] = []
    for space in spaces:
        if space not in distinct:
            distinct.append(space)
    return distinct


def predictions(
    model: CostModel, subjects: list[NamedArch], budget_ms: float | None, speed: Speed
) -> list[dict[str, Any]]:
    """A row an architecture, in order, ready for JSON; latencies are at that speed."""
    import numpy as np

    latency_ms = np.empty(len(subjects))
    for space in _distinct(subject.space for subject in subjects):
        places = [place for place, subject in enumerate(subjects) if subject.space == space]
        genes = space.encode([subjects[place].arch for place in places])
        latency_ms[places] = model.latency_ms(genes, space)
    random, chosen = model.bounds(), model.answer_bounds()
    rows = []
    for subject, predicted_ms in zip(subjects, latency_ms.tolist(), strict=True):
        row: dict[str, Any] = {
            "name": subject.name,
            "space": subject.space.label,
            "latency_ms": predicted_ms * speed.factor,
            "speed": speed.as_dict(),
        }
        for name, bounds in (("upper_ms", random), ("answer_upper_ms", chosen)):
            if bounds:
                row[name] = {
                    str(level): bound.at_speed(speed).upper(predicted_ms)
                    for level, bound in bounds.items()
                }
        if budget_ms is not None:
            most_ms = row.get("upper_ms", {}).get(str(BUDGET_CONFIDENCE), row["latency_ms"])
            row |= {"budget_ms": budget_ms, "within_budget": most_ms <= budget_ms}
        rows.append(row)
    return rows


def _show(model: CostModel, rows: list[dict[str, Any]], budget_ms: float | None) -> None:
    bounds = {str(confidence): bound for confidence, bound in model.bounds().items()}
    columns = ["architecture", "space", ">latency ms", *(f">{float(name):.0%}" for name in bounds)]
    columns += [f">chosen {BUDGET_CONFIDENCE:.0%}"] if bounds else []
    columns += [] if budget_ms is None else ["within"]
    cells = []
    for row in rows:
        upper = [f"{row['upper_ms'][name]:.3f}" for name in bounds]
        if bounds:
            upper.append(f"{row['answer_upper_ms'][str(BUDGET_CONFIDENCE)]:.3f}")
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
            f"confidence; chosen {BUDGET_CONFIDENCE:.0%}: one that a search has chosen"
        )
    assuming = [shares[name] for name, bound in bounds.items() if bound.method == "student"]
    if assuming:
        notes.append(f"{', '.join(assuming)}: few networks were audited; assumes log-normal errors")
    if budget_ms is not None:
        bound = f"at most ({BUDGET_CONFIDENCE:.0%})" if bounds else "predicted"
        notes.append(f"within: {bound} {budget_ms:g} ms")
    return notes
