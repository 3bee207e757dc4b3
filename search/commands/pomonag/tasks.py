"""``nassearch pomonag tasks``: small networks trained on many small data sets."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nasprof.cli import json_option, print_json, say, setting_option, show_table
from nasprof.errors import UsageError
from search.commands.progress import late_bar

if TYPE_CHECKING:
    from nasprof.typing import Progress
    from search.tasks.collecting import TasksRequest
    from search.tasks.files import MetaData
    from search.tasks.recipe import TaskRecipe

_TOLD_AFTER_S = 10.0


@click.command()
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of triplets.csv.gz, tasks.json and the journal.",
)
@click.option(
    "--data",
    "places",
    multiple=True,
    metavar="NAME=WHERE",
    help="A data set that is one more unseen task: mnist=DIR, fashion-mnist=fashion-mnist.",
)
@setting_option("How many tasks and networks, as JSON: --set meta_train=20.")
@setting_option("A setting of the training: --recipe steps=80.", "--recipe", "recipe")
@click.option("--tune", type=click.IntRange(1), help="Find the recipe first, by so many trials.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes.")
@click.option("--resume/--fresh", default=True, help="Go on with what was left, or begin anew.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@json_option
def tasks(places: tuple[str, ...], tune: int | None, as_json: bool, **given: Any) -> None:
    """Train small networks on many small data sets: what a predictor of tasks learns from.

    Tasks are drawn from this machine's fonts and from patterns. Interrupted, the same command goes
    on; with any number of workers the files are the same.
    """
    from search.tasks.collecting import collect_triplets

    request = _request(places, given)
    if tune is not None:
        request = _tuned(request, tune)
    with collecting_progress() as progress:
        data = collect_triplets(request, progress)
    if as_json:
        print_json(_summary(data, request))
        return
    _show(data, request)


def _request(places: tuple[str, ...], given: dict[str, Any]) -> TasksRequest:
    from search.tasks.collecting import TasksRequest
    from search.tasks.plan import PlanSettings
    from search.tasks.recipe import TaskRecipe

    return TasksRequest(
        given["output"],
        PlanSettings.of(given["settings"]),
        TaskRecipe.of(given["recipe"]),
        tuple(map(_place, places)),
        given["seed"],
        given["workers"],
        not given["resume"],
    )


def _place(text: str) -> tuple[str, str]:
    name, separator, where = text.partition("=")
    if not (separator and name and where):
        raise UsageError(f"--data is {text!r}, expected NAME=WHERE", "As in mnist=DIR.")
    return name, where


def _tuned(request: TasksRequest, trials: int) -> TasksRequest:
    from dataclasses import replace

    from search.tasks.tuning import tune_on_drawn_tasks

    with ExitStack() as bars:
        recipe: TaskRecipe
        recipe, top1 = tune_on_drawn_tasks(
            trials, request.seed, request.recipe, late_bar(bars, "tuning the recipe")
        )
    say(f"The recipe that was found: {recipe} ({top1:.1f} %)")
    return replace(request, recipe=recipe)


@contextmanager
def collecting_progress() -> Iterator[Progress]:
    """A bar of networks trained; how long all will take is told once, on a terminal or not."""
    with ExitStack() as bars:
        yield _estimating(late_bar(bars, "training networks on tasks"))


def _estimating(bar: Progress) -> Callable[[int, int], None]:
    begun: list[tuple[int, float]] = []
    told: list[bool] = []

    def update(done: int, total: int) -> None:
        now = time.monotonic()
        begun.append((done, now)) if not begun else None
        steps, elapsed_s = done - begun[0][0], now - begun[0][1]
        if not told and steps and elapsed_s > _TOLD_AFTER_S:
            told.append(True)
            say(f"This will take about {elapsed_s * (total - done) / steps / 60:.0f} min")
        bar(done, total)

    return update


def _summary(data: MetaData, request: TasksRequest) -> dict[str, Any]:
    return {
        "triplets": len(data.triplets),
        "tasks": {
            part: sum(task.part == part for task in data.tasks.values())
            for part in ("meta-train", "unseen")
        },
        "folder": str(request.output),
        "recipe": data.about["recipe"],
        "seed": request.seed,
    }


def _show(data: MetaData, request: TasksRequest) -> None:
    import numpy as np

    rows = []
    for name, task in sorted(data.tasks.items()):
        top1 = np.array([triplet.top1 for triplet in data.of(name)], np.float64)
        counts = (f"{len(task.classes)}", f"{len(top1)}")
        rows.append((name, task.source, *counts, f"{top1.mean():.1f}", f"{top1.std():.1f}"))
    columns = ("task", "source", ">classes", ">networks", ">mean %", ">spread")
    show_table(columns, rows, f"{len(data.triplets):,} triplets in {request.output}")
