"""``nassearch pomonag report``: how good a generator is."""

from __future__ import annotations

from pathlib import Path

import click

from nasprof.cli import json_option, print_json, show_table
from search.commands.options import ModelRequest, trade_off_options
from search.commands.pomonag.generate import generator_option, phase_option


@click.command()
@trade_off_options
@generator_option
@click.option(
    "-n",
    "--count",
    type=click.IntRange(1, 100_000),
    default=1000,
    show_default=True,
    help="Samples with each seed.",
)
@phase_option
@click.option("--seeds", type=click.IntRange(1, 1000), default=5, show_default=True)
@json_option
def report(
    request: ModelRequest,
    generator: Path | None,
    count: int,
    phase: str,
    seeds: int,
    as_json: bool,
) -> None:
    """Tell the validity, uniqueness and novelty of samples, and how well noisy ones are predicted.

    Intervals are of 95 %, over seeds.
    """
    from search.answers.pomonag import report_pomonag
    from search.answers.request import ModelOptions
    from search.commands.progress import answer_progress
    from search.pomonag.request import PomonagReportOptions

    options = PomonagReportOptions(count, phase, seeds)
    with answer_progress() as progress:
        told = report_pomonag(
            generator,
            **request.arguments,
            models=ModelOptions(**request.details),
            options=options,
            progress=progress,
        )
    if as_json:
        print_json(told.to_dict())
        return
    rows = [
        (name, f"{interval.mean:.4f}", f"{interval.low:.4f} to {interval.high:.4f}")
        for name, interval in told.quality.items()
    ]
    rows += [
        (f"Spearman of noisy {name}", "-" if value is None else f"{value:.4f}", "")
        for name, value in told.spearman.items()
    ]
    title = f"{seeds} times {count} samples, {phase} phase{'s' * (phase == 'both')}"
    show_table(("", ">mean", "95 %"), rows, title)
