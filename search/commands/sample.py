"""``nassearch sample``: random architectures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nasprof.cli import json_option, print_json, say, setting_option, show_table
from nasprof.typing import JsonObject
from search.commands.options import space_options

if TYPE_CHECKING:
    from spaces.base import Sampling


@click.command()
@space_options(
    "Space to draw from.", "Width multiplier of the space.", "Input height and width in pixels."
)
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
    space: JsonObject,
    settings: JsonObject,
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

    named = {**space}
    drawn_from = get_space(named.pop("space"), **settings, **named)
    genes = sample_distinct(drawn_from, count, np.random.default_rng(seed), strategy)
    archs = drawn_from.decode(genes)
    if output is not None:
        write_atomic(output, json.dumps(archs, indent=1).encode())
        say(f"Wrote {len(archs)} architectures to {output}")
    if as_json:
        print_json(archs)
    else:
        _show(archs, drawn_from.macs(genes).tolist(), drawn_from.params(genes).tolist())
    if len(archs) < count:
        say(f"Only {len(archs)} distinct architectures were found.")


def _show(archs: list[JsonObject], macs: list[int], params: list[int]) -> None:
    rows = [
        (str(number), f"{macs[number] / 1e6:.1f}", f"{params[number] / 1e6:.2f}", _choices(arch))
        for number, arch in enumerate(archs)
    ]
    show_table((">#", ">M MACs", ">M params", "choices"), rows)


def _choices(arch: JsonObject) -> str:
    """What distinguishes an architecture from others of its space, in short."""
    return " ".join(
        value if isinstance(value, str) else ",".join(map(str, value))
        for value in arch.values()
        if isinstance(value, list) or str(value).startswith("|")
    )
