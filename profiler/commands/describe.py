"""``nasprof describe``: what an architecture is made of and what it costs to compute."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nasprof.cli import GreedyCommand, json_option, print_json, show_table
from profiler.commands.options import arch_option

if TYPE_CHECKING:
    from profiler.api.describe import Description


@click.command(cls=GreedyCommand)
@arch_option("paths", required=True)
@json_option
def describe(paths: tuple[Path, ...], as_json: bool) -> None:
    """Show blocks, MACs and parameters of architectures."""
    import profiler

    descriptions = profiler.describe(paths)
    if as_json:
        print_json(descriptions.to_dict())
        return
    for description in descriptions:
        _show(description)


def _show(description: Description) -> None:
    macs, params = description.macs / 1e6, description.params / 1e6
    rows = [
        (block.name, block.key, f"{block.macs / 1e6:.2f}", f"{block.params / 1e3:.1f}")
        for block in description.blocks
    ]
    title = f"{description.arch['space']}: {macs:.1f} M MACs, {params:.2f} M parameters"
    show_table(("block", "key", ">M MACs", ">k params"), rows, title)
