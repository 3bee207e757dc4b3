"""``nasprof lut``: look at lookup tables, compare them, convert them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nasprof.cli import json_option, print_json, say, show_table
from nasprof.errors import UsageError
from profiler.commands.options import named_spaces, space_options

if TYPE_CHECKING:
    from spaces import Space

CLOCKS = click.Choice(["wall", "cpu"])
overwrite_option = click.option("--overwrite", is_flag=True, help="Replace files that exist.")


@click.group()
def lut() -> None:
    """Show, compare and convert lookup tables.

    TABLE is the name of a known one (nasprof lut list) or a file (.json).
    """


@lut.command("list")
@json_option
def list_tables(as_json: bool) -> None:
    """List the known tables, how good they are, and which are damaged."""
    from luts import cost_model_files
    from profiler.commands.show_tables import show_overviews
    from profiler.reports.tables import overview

    items = [overview(name, path) for name, path in sorted(cost_model_files.known().items())]
    if as_json:
        print_json(items)
        return
    show_overviews(items)
    say(f"Your own tables are in {cost_model_files.own_described()}")


@lut.command()
@click.argument("table")
@click.option("--clock", type=CLOCKS, help="The table's unless given.")
@click.option("--plot", type=click.Path(path_type=Path), help="Heat map of the blocks, as PNG.")
@json_option
def show(table: str, clock: str | None, plot: Path | None, as_json: bool) -> None:
    """Show what a table was made from, how good it is, its ranges and its entries.

    --plot writes one PNG a space, numbered if there are several.
    """
    from luts import LookupTable
    from luts.files import open_cost_model
    from profiler.commands.show_tables import show_model
    from profiler.reports.tables import description

    model = open_cost_model(table, clock)
    if plot is not None:
        from profiler.reports.table_plot import plot_table

        if not isinstance(model, LookupTable):
            raise UsageError(f"{table!r} is no table of blocks: there is nothing to plot")
        say(f"Plotted to {', '.join(map(str, plot_table(model, plot)))}")
    if as_json:
        print_json(description(model))
    else:
        show_model(model)


@lut.command()
@click.argument("first")
@click.argument("second")
@click.option("--clock", type=CLOCKS, help="The tables' own unless given.")
@click.option("--top", type=click.IntRange(1), default=10, show_default=True, help="Entries shown.")
@click.option("-n", "--count", type=click.IntRange(2), default=1000, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@json_option
def diff(
    first: str, second: str, clock: str | None, top: int, count: int, seed: int, as_json: bool
) -> None:
    """Show where two tables differ, and whether they rank random networks alike.

    Ratios are the second table over the first. --json holds all entries, not only the --top.
    """
    from luts.comparison import compare
    from luts.files import open_cost_model
    from profiler.commands.show_tables import show_comparison

    models = [open_cost_model(name, clock) for name in (first, second)]
    comparison = compare(models[0], models[1], count, seed)
    clocks = [model.clock for model in models]
    if clocks[0] != clocks[1]:
        say(f"The clocks differ ({clocks[0]} and {clocks[1]}): add --clock wall")
    if not comparison["spaces"]:
        say("The tables have no space in common: networks cannot be ranked by both.")
    if as_json:
        print_json(comparison)
    else:
        show_comparison(comparison, top)


@lut.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--format", "name", required=True, help="csv or ofa.")
@click.option("-o", "--output", required=True, help="File (.json), or a name for your own tables.")
@click.option("--device-name", help="What it was measured on, if you know.")
@space_options
@overwrite_option
@json_option
def import_tables(
    files: tuple[Path, ...],
    name: str,
    output: str,
    device_name: str | None,
    spaces: list[Space],
    overwrite: bool,
    as_json: bool,
) -> None:
    """Make a table from those of others, FILES in CSV or OFA's YAML.

    CSV: a header key,latency_ms[,cpu_ms][,std_ms][,count], then a block a line; the space is
    named by options. OFA's files tell their space; several become one table.
    """
    from luts import import_table
    from luts.formats import table_formats

    options = named_spaces(click.get_current_context())
    if table_formats.get(name).names_spaces and options:
        raise UsageError(f"--format {name} reads the space from the file: leave out {options[0]}")
    imported = import_table(
        files, name, output, spaces=spaces, device=device_name, overwrite=overwrite
    ).to_dict()
    if as_json:
        print_json(imported)
    else:
        rows = [
            [item["space"], str(item["blocks"]), str(len(item["missing"]))]
            for item in imported["spaces"]
        ]
        show_table(("space", ">blocks", ">missing"), rows, imported["path"])


@lut.command("export")
@click.argument("table")
@click.option("--format", "name", required=True, help="csv or ofa.")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="File, or a folder if there are several.",
)
@overwrite_option
@json_option
def export_tables(table: str, name: str, output: Path, overwrite: bool, as_json: bool) -> None:
    """Write a table's entries as CSV or OFA's YAML, without its calibration and audit."""
    from luts import export_table

    exported = export_table(table, name, output, overwrite=overwrite)
    if as_json:
        print_json(exported.to_dict())
    else:
        show_table(("file",), [[str(path)] for path in exported.paths])
