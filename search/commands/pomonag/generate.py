"""``nassearch pomonag generate``: architectures for many objectives, at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nasprof.cli import json_option, print_json, show_table
from search.commands.options import ModelRequest, trade_off_options
from search.naming import brief_arch

if TYPE_CHECKING:
    from search.pomonag.generated import GeneratedArchs

_MANY = 1e5

generator_option = click.option(
    "--generator",
    type=click.Path(path_type=Path),
    help="Trained generator (.npz); the one kept for these models unless given.",
)
phase_option = click.option(
    "--phase",
    type=click.Choice(["efficient", "accurate", "both"]),
    default="both",
    show_default=True,
    help="The cheaper half of the range of costs, the dearer one, or half of each.",
)


@click.command()
@trade_off_options
@generator_option
@click.option("-n", "--count", type=click.IntRange(1, 100_000), default=256, show_default=True)
@phase_option
@click.option(
    "--guide",
    type=click.Choice(["conditional", "targets", "weights"]),
    default="conditional",
    show_default=True,
    help="What samples are guided by: conditions learnt in training, each sample's own target of "
    "latency, or weights of the objectives as published.",
)
@click.option(
    "--trials",
    type=click.IntRange(0, 10_000),
    default=0,
    show_default=True,
    help="Of the search for --guide weights; 0 takes fixed ones.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@json_option
def generate(
    request: ModelRequest,
    generator: Path | None,
    count: int,
    phase: str,
    guide: str,
    trials: int,
    seed: int,
    as_json: bool,
) -> None:
    """Sample architectures for accuracy, latency and whatever else the generator was trained for.

    Shown are three of the front by each cost: the most accurate (acc), the one of the best ratio
    of accuracy to cost (bal), and the cheapest (eff).
    """
    from search.answers.pomonag import generate_pomonag
    from search.answers.request import ModelOptions
    from search.commands.progress import answer_progress
    from search.pomonag.request import PomonagOptions

    options = PomonagOptions(count, phase, guide, trials, seed)
    with answer_progress() as progress:
        generated = generate_pomonag(
            generator,
            **request.arguments,
            models=ModelOptions(**request.details),
            options=options,
            progress=progress,
        )
    if as_json:
        print_json(generated.to_dict())
    else:
        _show(generated)


def _show(generated: GeneratedArchs) -> None:
    names, quality = generated.names, generated.quality
    rows = [
        (
            f"{cost} {which}",
            *_cells(generated, number),
            brief_arch(generated.row(number)["arch"]),
        )
        for cost, picks in generated.picks.items()
        for which, number in vars(picks).items()
    ]
    notes = [
        f"{len(generated.genes)} distinct: validity {quality.validity:.3f}, uniqueness "
        f"{quality.uniqueness:.3f}, novelty {quality.novelty:.3f}; {generated.cpu_s:.2f} CPU s",
        *(
            f"{phase}: " + ", ".join(f"{name} {nats:.3g}" for name, nats in scales.items())
            for phase, scales in generated.scales.items()
        ),
    ]
    headings = ("front by", *(f">{name}" for name in names), "architecture")
    show_table(headings, rows, "Of each front", notes)


def _cells(generated: GeneratedArchs, number: int) -> list[str]:
    values = generated.row(number)["values"]
    return [_brief(values[name]) for name in generated.names]


def _brief(value: float) -> str:
    return f"{value:.4g}" if abs(value) < _MANY else f"{value / 1e6:.4g} M"
