"""``nasprof build-lut``: the lookup table of a device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from nasprof.cli import json_option, print_json, say
from profiler.commands.options import network_options, space_options
from profiler.commands.target import target_options

if TYPE_CHECKING:
    from devices import Target
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
    output: str | None,
    resume: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Measure what each block of a space costs on a device, and audit the table.

    Everything measured is kept as it comes: after an interruption, the same command goes on.
    """
    import profiler
    from profiler.commands.building import building_progress
    from profiler.commands.show_tables import show_summary

    table = profiler.build_table(
        spaces,
        target,
        options=profiler.TableOptions(**options),
        output=output,
        resume=resume,
        progress=building_progress(),
    )
    if as_json:
        print_json({"path": str(table.path), **table.to_dict()})
    else:
        show_summary(table)
    say(f"Table written to {table.path}")
