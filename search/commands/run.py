"""``nassearch run``: one engine on objectives of your choice."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nasprof.cli import json_option, print_json, say, setting_option
from nasprof.errors import UsageError
from nasprof.signals import heeded
from profiler.commands.options import Duration
from search.commands.engine_settings import help_settings_option
from search.commands.images import images_options
from search.commands.options import (
    BudgetType,
    ModelRequest,
    confidence_option,
    executor_options,
    trade_off_options,
)

if TYPE_CHECKING:
    from search.problem import Objective

OBJECTIVES = "top1,latency"


@click.command()
@click.option("--engine", required=True, help="linas, nat, nsga2, local, ...")
@click.option(
    "--objectives",
    default=OBJECTIVES,
    show_default=True,
    help="Separated by commas: top1[@MODEL], top1@SUPERNET (with --data), latency[@DEVICE], "
    "latency_upper[@DEVICE], latency_measured[@DEVICE], macs, params, size_bytes[@int8], "
    "peak_memory, and "
    "[max:]NAME=module:function of your own.",
)
@trade_off_options
@click.option(
    "--supernet",
    type=click.Path(path_type=Path),
    help="Supernet whose networks are evaluated (top1, with --data) and, where latency is "
    "measured, run: .safetensors, or a checkpoint of OFA's.",
)
@images_options("validation")
@click.option("--space", "space_name", help="Space, or its file (.json), where no model tells it.")
@click.option("--width", type=float, help="Its width multiplier.")
@click.option(
    "--budget",
    "budgets",
    type=BudgetType(),
    multiple=True,
    help="The worst that is allowed: NAME=VALUE of any objective. A time alone is of the latency; "
    "several times for several searches.",
)
@confidence_option
@click.option(
    "--evals",
    "evaluations",
    type=click.IntRange(1),
    help="Networks to evaluate in each search: 5000 unless given, 500 for motpe, 250 for engines "
    "that predict; exact ends by itself.",
)
@click.option("--time", "seconds", type=Duration(), help="End each search then: 90s, 30m, 8h.")
@click.option(
    "--patience",
    type=click.IntRange(1),
    help="End a search after so many evaluations that did not change the front.",
)
@click.option(
    "--max-failures",
    type=click.IntRange(0),
    default=20,
    show_default=True,
    help="Networks that may fail before a quarter of all evaluated is too many.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@setting_option("Any setting of the engine, as JSON: --set population=50.")
@help_settings_option
@click.option(
    "--warm-start",
    "warm_start",
    help="Begin with the front of an archive (.jsonl); or with that of a search on MACs: macs.",
)
@executor_options
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(path_type=Path),
    help="Folder for everything evaluated; what it holds is gone on with.",
)
@click.option("--fresh", is_flag=True, help="Forget what the folder holds of these searches.")
@setting_option(
    "Where the hypervolume ends, by objective; the worst there is unless given.",
    flag="--reference",
    name="reference",
)
@click.option("--plot", type=click.Path(path_type=Path), help="The front as PNG.")
@json_option
def run(request: ModelRequest, plot: Path | None, as_json: bool, **options: Any) -> None:
    """Search for networks by several objectives, with an engine of your choice.

    Interrupted, it shows what was found so far; with -o the same command goes on from there.
    """
    from profiler.commands.progress import step_bar
    from search.commands.progress import reading_progress
    from search.commands.run_view import plot_result, show_result
    from search.runs.options import RunOptions
    from search.runs.searches import Searches, SearchInterrupted

    given = {name: options.pop(name) for name in ("engine", "objectives", "budgets")}
    names = ("confidence", "space_name", "width", "images", "supernet")
    about = {name: options.pop(name) for name in names}
    # Whatever a module of the user's prints when it is imported is no result of the command.
    with redirect_stdout(sys.stderr), reading_progress() as reading:
        models = request.models(**about, reading=reading)
        searches = Searches.of(**given, models=models, options=RunOptions(**options))
    if plot is not None:
        _require_several(searches.problem.objectives)
    interrupted = False
    try:
        with step_bar("evaluating") as progress:
            result = searches.run(progress)
    except SearchInterrupted as interruption:
        heeded()
        interrupted = True
        result = interruption.result
        say("Interrupted; this is what was found so far.")
    if as_json:
        print_json(result.to_dict())
    else:
        show_result(result)
    if plot is not None:
        plot_result(result, plot)
    if interrupted:
        click.get_current_context().exit(1)


def _require_several(objectives: Sequence[Objective]) -> None:
    """Refuse a picture that there will be nothing to draw in."""
    if len(objectives) < 2:
        raise UsageError(
            f"--plot draws fronts; one objective has none: {objectives[0].name}",
            "Leave it out, or search by several objectives.",
        )
