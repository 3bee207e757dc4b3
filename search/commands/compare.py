"""``nassearch compare``: engines beside each other and the best that is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nasprof.cli import json_option, print_json, say
from profiler.commands.options import Milliseconds
from search.commands.options import ModelRequest, confidence_option, trade_off_options


@click.command()
@click.option(
    "--engines",
    default="local,evo,nas-mo,random,nsga2",
    show_default=True,
    help="Which to compare, separated by commas; pnag is the trained generator.",
)
@trade_off_options
@click.option(
    "--budget",
    "budgets",
    type=Milliseconds(),
    multiple=True,
    help="Most that a network may take, any number of times; five over the front unless given.",
)
@confidence_option
@click.option(
    "--evals",
    "evaluations",
    type=click.IntRange(1),
    default=2000,
    show_default=True,
    help="Networks to evaluate for each budget.",
)
@click.option("--seeds", type=click.IntRange(1, 1000), default=3, show_default=True)
@click.option(
    "--best-known",
    "best_known",
    type=click.IntRange(1000),
    default=100_000,
    show_default=True,
    help="Networks to evaluate for the front that all are measured against.",
)
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(path_type=Path),
    help="Folder to keep that front in, for the next comparison.",
)
@click.option("--plot", type=click.Path(path_type=Path), help="Fronts and shortfalls, as PNG.")
@json_option
def compare(
    request: ModelRequest,
    engines: str,
    budgets: tuple[float, ...],
    plot: Path | None,
    as_json: bool,
    **details: Any,
) -> None:
    """Compare engines: what each finds with the same number of evaluations.

    Engines that search whole fronts get the evaluations of all budgets together. What training
    evaluated is not counted for pnag, but told.
    """
    from search.answers.compare import CompareOptions, compare
    from search.commands.compare_view import show_comparison
    from search.commands.progress import compare_progress

    options = CompareOptions(**request.details, **details)
    with compare_progress() as progress:
        comparison = compare(
            engines, budgets, **request.arguments, options=options, progress=progress
        )
    if as_json:
        print_json(comparison.to_dict())
    else:
        show_comparison(comparison)
    if plot is not None:
        from search.pictures.comparison import plot_comparison

        plot_comparison(comparison, plot)
        say(f"Plotted to {plot}")
