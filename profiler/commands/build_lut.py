"""``nasprof build-lut``: the lookup table of a device."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nasprof.cli import json_option, print_json, say
from profiler.commands.building import building_progress
from profiler.commands.options import network_options, space_options
from profiler.commands.target import target_options

if TYPE_CHECKING:
    from devices import Target
    from luts import LookupTable
    from spaces import Space


@click.command("build-lut")
@space_options
@target_options()
@click.option("--precision", default="fp32", show_default=True, help="fp32, fp16 or int8.")
@click.option("--batch", type=click.IntRange(1), default=1, show_default=True)
@click.option(
    "--protocol",
    help="table, quick, fixed, ...; with changes: table:visits=10,rounds=40. "
    "The profile's for tables unless given.",
)
@click.option(
    "--source",
    default="blocks",
    show_default=True,
    help="Where block costs come from: blocks, networks or operators.",
)
@network_options(least=0)
@click.option(
    "--answers",
    "n_answers",
    type=click.IntRange(0),
    default=10,
    show_default=True,
    help="Networks that a search would choose, for the bound that answers get.",
)
@click.option(
    "--clock", type=click.Choice(["wall", "cpu"]), default="wall", help="What predictions are of."
)
@click.option(
    "-o",
    "--output",
    help="Table file (.json) or name; a name made of what it is of unless given.",
)
@click.option(
    "--resume/--fresh",
    default=True,
    show_default=True,
    help="Go on with what is there, or measure all of it anew.",
)
@click.option(
    "--patience",
    "patience_s",
    type=click.FloatRange(0),
    default=300.0,
    show_default=True,
    help="Seconds to wait for a device that was lost.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of all that is random.")
@json_option
def build_lut(
    spaces: list[Space],
    target: Target,
    precision: str,
    batch: int,
    protocol: str | None,
    source: str,
    n_audit: int,
    n_calibration: int,
    n_answers: int,
    clock: str,
    output: str | None,
    resume: bool,
    patience_s: float,
    seed: int,
    as_json: bool,
) -> None:
    """Measure what each block of a space costs on a device, and audit the table.

    Everything measured is kept as it comes: after an interruption, the same command goes on.
    """
    from luts import cost_model_files
    from profiler.measuring.protocol import parse_protocol
    from profiler.tables.keep import TableBuild, existing_table
    from profiler.tables.plan import Plan
    from profiler.tables.provenance import protocol_of
    from profiler.tables.sources import sources

    sources.get(source)
    backend = target.resolve()
    plan = Plan(
        spaces=tuple(spaces),
        protocol=parse_protocol(protocol or backend.profile.table_protocol),
        precision=precision,
        batch=batch,
        source=source,
        calibration=n_calibration,
        audit=n_audit,
        answers=n_answers,
        seed=seed,
    )
    path = cost_model_files.path(output) if output else plan.path(backend.profile, backend.settings)
    base = existing_table(path) if resume else None
    if base is not None and protocol is None:
        plan = replace(plan, protocol=protocol_of(base) or plan.protocol)
    build = TableBuild(backend, plan, path, patience_s, building_progress())
    table = build.run(base, resume=resume, clock=clock)
    _show(table, path, as_json)


def _show(table: LookupTable, output: Path, as_json: bool) -> None:
    from profiler.commands.show_tables import show_summary
    from profiler.tables.cost_models import say_doubts

    if as_json:
        data: dict[str, Any] = table.as_dict()
        print_json({"path": str(output), **data})
    else:
        show_summary(table)
    say_doubts(table)
    say(f"Table written to {output}")
