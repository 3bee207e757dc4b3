"""``nasprof describe``: what an architecture is made of and what it costs to compute."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nasprof.cli import GreedyCommand, json_option, print_json, show_table
from profiler.commands.options import arch_option

if TYPE_CHECKING:
    from spaces import Arch, Space


@click.command(cls=GreedyCommand)
@arch_option("paths", required=True)
@json_option
def describe(paths: tuple[Path, ...], as_json: bool) -> None:
    """Show blocks, MACs and parameters of architectures."""
    from spaces import read_archs

    pairs = [pair for path in paths for pair in read_archs(path)]
    found = (description(*pair) for pair in pairs)
    if as_json:
        print_json(list(found))
        return
    for item in found:
        _show(item)


def description(space: Space, arch: Arch) -> dict[str, Any]:
    """An architecture's genes, costs and blocks, ready for JSON."""
    genes = space.encode([arch])[0]
    network = space.network(genes)
    return {
        "arch": arch,
        "genes": genes.tolist(),
        "macs": network.macs,
        "params": network.params,
        "blocks": [
            {
                "name": layer.name,
                "key": layer.block.key,
                "inputs": [list(shape) for shape in layer.block.inputs],
                "output": list(layer.block.output),
                "macs": layer.block.macs,
                "params": layer.block.params,
            }
            for layer in network.layers
        ],
    }


def _show(item: dict[str, Any]) -> None:
    macs, params = item["macs"] / 1e6, item["params"] / 1e6
    rows = [
        (block["name"], block["key"], f"{block['macs'] / 1e6:.2f}", f"{block['params'] / 1e3:.1f}")
        for block in item["blocks"]
    ]
    title = f"{item['arch']['space']}: {macs:.1f} M MACs, {params:.2f} M parameters"
    show_table(("block", "key", ">M MACs", ">k params"), rows, title)
