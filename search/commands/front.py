"""``nassearch front``: accuracy against latency over the whole range of a device."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nasprof.cli import json_option, say
from search.commands.options import ModelRequest, answer_options, trade_off_options


@click.command()
@trade_off_options
@answer_options
@click.option(
    "--points",
    type=click.IntRange(2, 1000),
    default=20,
    show_default=True,
    help="Budgets, evenly spread from the fastest network to the slowest.",
)
@click.option("--plot", type=click.Path(path_type=Path), help="The front, as PNG.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@json_option
def front(
    request: ModelRequest, points: int, plot: Path | None, as_json: bool, **details: Any
) -> None:
    """Answer budgets over the whole range: which accuracy each latency buys."""
    from search.answers.front import front
    from search.answers.request import AnswerOptions
    from search.commands.progress import answer_progress
    from search.commands.replies import show_replies

    options = AnswerOptions(**request.details, **details)
    with answer_progress() as progress:
        replies = front(points, **request.arguments, options=options, progress=progress)
    show_replies(replies, as_json)
    if plot is not None:
        from search.pictures.answers import plot_replies

        plot_replies(replies, plot)
        say(f"Plotted to {plot}")
