"""``nassearch sample``: random architectures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nasprof.cli import json_option, print_json, say, setting_option, show_table

if TYPE_CHECKING:
    from spaces.base import Sampling


@click.command()
@click.option("--space", "name", default="ofa-mbv3", show_default=True, help="Space to draw from.")
@click.option("--width", type=float, help="Width multiplier of the space.")
@click.option("--resolution", type=int, help="Input height and width in pixels.")
@setting_option("Any other setting of the space, as JSON: --set classes=10.")
@click.option("-n", "--count", type=click.IntRange(1, 1_000_000), default=10, show_default=True)
@click.option(
    "--strategy",
    type=click.Choice(["uniform", "biased"]),
    default="biased",
    show_default=True,
    help="uniform: every gene alike; biased: spread over the whole range of MACs.",
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the archs here.")
@json_option
def sample(
    name: str,
    width: float | None,
    resolution: int | None,
    settings: dict[str, Any],
    count: int,
    strategy: Sampling,
    seed: int,
    output: Path | None,
    as_json: bool,
) -> None:
    """Draw distinct random architectures, for example to measure them."""
    import numpy as np

    from nasprof.files import write_atomic
    from spaces import get_space
    from spaces.distinct import sample_distinct

    given = {"width": width, "resolution": resolution}
    space = get_space(name, **settings, **{k: v for k, v in given.items() if v is not None})
    genes = sample_distinct(space, count, np.random.default_rng(seed), strategy)
    archs = space.decode(genes)
    if output is not None:
        write_atomic(output, json.dumps(archs, indent=1).encode())
        say(f"Wrote {len(archs)} architectures to {output}")
    if as_json:
        print_json(archs)
    else:
        _show(archs, space.macs(genes).tolist(), space.params(genes).tolist())
    if len(archs) < count:
        say(f"Only {len(archs)} distinct architectures were found.")


def _show(archs: list[dict[str, Any]], macs: list[int], params: list[int]) -> None:
    rows = [
        (str(number), f"{macs[number] / 1e6:.1f}", f"{params[number] / 1e6:.2f}", _choices(arch))
        for number, arch in enumerate(archs)
    ]
    show_table((">#", ">M MACs", ">M params", "choices"), rows)


def _choices(arch: dict[str, Any]) -> str:
    """What distinguishes an architecture from others of its space, in short."""
    return " ".join(
        value if isinstance(value, str) else ",".join(map(str, value))
        for value in arch.values()
        if isinstance(value, list) or str(value).startswith("|")
    )
