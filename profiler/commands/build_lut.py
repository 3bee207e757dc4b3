"""``nasprof build-lut``: the lookup table of a device."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nasprof.cli import json_option, print_json, say
from nasprof.errors import UsageError
from profiler.commands.building import building_progress
from profiler.commands.options import network_options, space_options
from profiler.commands.target import Target, target_options

if TYPE_CHECKING:
    from devices import Device, Profile, RunSettings
    from luts import LookupTable
    from profiler.plan import Plan
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
    from luts.files import output_path
    from profiler.plan import Plan
    from profiler.protocol import parse_protocol
    from profiler.provenance import protocol_of
    from profiler.sources import sources

    sources.get(source)
    profile = target.profile()
    settings = target.settings(profile)
    plan = Plan(
        spaces=tuple(spaces),
        protocol=parse_protocol(protocol or profile.table_protocol),
        precision=precision,
        batch=batch,
        source=source,
        calibration=n_calibration,
        audit=n_audit,
        seed=seed,
    )
    path = output_path(output) if output else default_output(profile, settings, plan)
    base = _existing(path) if resume else None
    if base is not None and protocol is None:
        plan = replace(plan, protocol=protocol_of(base) or plan.protocol)
    table = _build(target.device(profile), settings, plan, path, base, resume, patience_s, clock)
    _show(table, path, as_json)


def default_output(profile: Profile, settings: RunSettings, plan: Plan) -> Path:
    """Where a table goes unless its user names a place: named after what it is of."""
    from luts import own_folder

    spaces = [space.label.replace("@", "-r").replace(" ", "-") for space in plan.spaces]
    more = "" if len(spaces) == 1 else f"-and-{len(spaces) - 1}-more"
    threads = "" if settings.threads == 1 else f"-t{settings.threads}"
    batch = "" if plan.batch == 1 else f"-b{plan.batch}"
    parts = (profile.name, settings.runtime, plan.precision + threads + batch, spaces[0] + more)
    return own_folder() / f"{'-'.join(parts)}.json"


def _build(
    device: Device,
    settings: RunSettings,
    plan: Plan,
    output: Path,
    base: LookupTable | None,
    resume: bool,
    patience_s: float,
    clock: str,
) -> LookupTable:
    from luts import write_cost_model
    from profiler.build import build_table, lacking_blocks
    from profiler.journal import discard
    from profiler.measure import Interrupted

    journal = output.with_name(output.name + ".journal")
    if not resume:
        discard(journal)
    if base is not None:
        if set(plan.spaces) <= set(base.spaces) and base.networks:
            plan = replace(plan, calibration=0, audit=0)
        if not lacking_blocks(plan.spaces, base) and not plan.audit:
            say(f"{output} is complete; --fresh measures it anew.")
            return base
    elif resume and journal.exists():
        say(f"Going on with what {journal} holds.")
    try:
        with building_progress() as progress:
            table = build_table(
                device,
                settings,
                plan,
                output.stem,
                base=base,
                journal=journal,
                patience_s=patience_s,
                progress=progress,
            )
    except Interrupted:
        say(f"What was measured is kept in {journal}; the same command goes on.")
        raise
    table = table.on_clock(clock if base is None else base.clock)
    write_cost_model(table, output)
    discard(journal)
    return table


def _existing(output: Path) -> LookupTable | None:
    from luts import LookupTable, read_cost_model

    if not output.exists():
        return None
    model = read_cost_model(output)
    if not isinstance(model, LookupTable):
        raise UsageError(f"{output} holds a cost model that is no table", "Choose another file.")
    return model


def _show(table: LookupTable, output: Path, as_json: bool) -> None:
    from profiler.cost_models import say_doubts
    from profiler.lut_report import show_summary

    if as_json:
        data: dict[str, Any] = table.as_dict()
        print_json({"path": str(output), **data})
    else:
        show_summary(table)
    say_doubts(table)
    say(f"Table written to {output}")
