"""``nassearch front``: accuracy against latency over the whole range of a device."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nasprof.cli import json_option, print_json, say, show_table
from search.commands.options import Asked, answer_options, trade_off_options

if TYPE_CHECKING:
    from search.answers.inquiry import Inquiry
    from search.answers.replies import Reply


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
    asked: Asked,
    generator_path: Path | None,
    confidence: float,
    samples: int,
    polish: bool,
    points: int,
    plot: Path | None,
    seed: int,
    as_json: bool,
) -> None:
    """Answer budgets over the whole range: which accuracy each latency buys."""
    import numpy as np

    from search.answers.inquiry import Inquiry
    from search.answers.replies import Reply, Result
    from search.commands.progress import training_progress
    from search.pnag.stored import ready_generator

    site = asked.site()
    with training_progress() as progress:
        generator = ready_generator(site.trade_off, generator_path, progress)
    rng = np.random.default_rng(seed)
    inquiry = Inquiry(site, generator, rng, confidence, samples, polish)
    replies = [
        Reply(budget_ms, [Result("", answer, None)], None)
        for budget_ms, answer in inquiry.front(points)
    ]
    _show(replies, inquiry, as_json)
    if plot is not None:
        _plot(replies, inquiry, plot)


def _show(replies: list[Reply], inquiry: Inquiry, as_json: bool) -> None:
    from search.answers.replies import as_dict, columns, heading, rows

    if as_json:
        print_json([as_dict(each, inquiry) for each in replies])
    else:
        cells = [row for each in replies for row in rows(each, inquiry)]
        show_table(columns(inquiry), cells, heading(inquiry))


def _plot(replies: list[Reply], inquiry: Inquiry, path: Path) -> None:
    from search.answers.replies import heading
    from search.pictures.answers import plot_answers

    answers = [each.results[0].answer for each in replies]
    plot_answers(inquiry.site.trade_off, [], answers, heading(inquiry), path)
    say(f"Plotted to {path}")
