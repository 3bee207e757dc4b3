"""``nassearch supernet export``: weights for programs of others."""

from __future__ import annotations

from pathlib import Path

import click

from nasprof.cli import json_option, print_json, say
from nasprof.errors import UsageError


@click.command()
@click.argument("supernet", type=click.Path(path_type=Path))
@click.option("--arch", type=click.Path(path_type=Path), help="One network's weights alone.")
@click.option("--data", help="Images that recalibrate that network's batch norm.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help=".pth, .safetensors, .npz",
)
@json_option
def export(
    supernet: Path, arch: Path | None, data: str | None, output: Path, as_json: bool
) -> None:
    """Write weights as a plain state dict: the names of Once-for-All, and nothing beside them.

    The ``ofa`` package loads that of a whole supernet; with --arch it is that of one network.
    """
    from profiler.model_files.architectures import named_archs
    from supernets import SupernetWeights, read_supernet
    from supernets.plain import write_state_dict

    if arch is None and data is not None:
        raise UsageError("--data recalibrates one network's batch norm, and there is no --arch")
    if arch is None:
        arrays = read_supernet(supernet)[0].arrays()
    else:
        networks = named_archs(arch)
        if len(networks) != 1:
            raise UsageError(f"{arch} holds {len(networks)} architectures", "Give one of them.")
        weights = SupernetWeights(supernet, data)
        arrays = weights.arrays(networks[0].space, networks[0].genes)
    write_state_dict(output, arrays)
    size = sum(array.size for array in arrays.values())
    if as_json:
        print_json({"path": str(output), "arrays": len(arrays), "numbers": size})
    else:
        say(f"{len(arrays)} arrays with {size:,} numbers are in {output}")
