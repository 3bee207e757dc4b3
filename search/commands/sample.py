"""``nassearch sample``: random architectures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nasprof.cli import json_option, print_json, say, setting_option, show_table
from nasprof.typing import JsonObject
from search.commands.options import space_options

if TYPE_CHECKING:
    from search.runs.sampling import SampledArchs


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
    output: Path | None,
    as_json: bool,
    **drawn: Any,
) -> None:
    """Draw distinct random architectures, for example to measure them."""
    from nasprof.files import write_atomic
    from search.runs.sampling import sample
    from spaces import get_space

    named = {**space}
    samples = sample(get_space(named.pop("space"), **settings, **named), **drawn)
    if output is not None:
        write_atomic(output, json.dumps(samples.archs, indent=1).encode())
        say(f"Wrote {len(samples)} architectures to {output}")
    if as_json:
        print_json(samples.to_dict())
    else:
        _show(samples)
    if len(samples) < drawn["count"]:
        say(f"Only {len(samples)} distinct architectures were found.")


def _show(samples: SampledArchs) -> None:
    rows = [
        (
            str(number),
            f"{row['macs'] / 1e6:.1f}",
            f"{row['params'] / 1e6:.2f}",
            _choices(row["arch"]),
        )
        for number, row in enumerate(samples.rows())
    ]
    show_table((">#", ">M MACs", ">M params", "choices"), rows)


def _choices(arch: JsonObject) -> str:
    """What distinguishes an architecture from others of its space, in short."""
    return " ".join(
        value if isinstance(value, str) else ",".join(map(str, value))
        for value in arch.values()
        if isinstance(value, list) or str(value).startswith("|")
    )
