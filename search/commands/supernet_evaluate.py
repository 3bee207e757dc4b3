"""``nassearch supernet evaluate``: the accuracy of a supernet's networks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nasprof.cli import GreedyCommand, json_option, print_json, say, show_table
from profiler.commands.options import arch_option
from search.commands.images import images_options
from search.commands.options import executor_options

if TYPE_CHECKING:
    from search.objectives.images import LabelledImages
    from search.runs.evaluate_supernet import EvaluatedArch, EvaluatedArchs


@click.command(cls=GreedyCommand)
@click.argument("path", metavar="SUPERNET", type=click.Path(path_type=Path))
@images_options("test", required=True)
@arch_option("archs", required=False)
@click.option("--random", type=click.IntRange(0), default=0, help="Random networks to add.")
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Draws them, and the images of the recalibration.",
)
@click.option("--inherited", is_flag=True, help="Tell also what accuracy is without recalibration.")
@click.option("--resolution", type=int, help="Input pixels of networks that are not named.")
@executor_options
@click.option("--fresh", is_flag=True, help="Evaluate anew what is known from before.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write arch,top1 here (.csv), which nassearch fit learns from.",
)
@json_option
def evaluate(
    path: Path,
    images: LabelledImages,
    archs: tuple[Path, ...],
    seed: int,
    output: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Evaluate networks of a supernet, each with batch norm of its own.

    The smallest and the largest network, unless others are named or drawn. What was evaluated
    before with the same weights, images and recalibration is known, also after an interruption.
    """
    import search
    from search.commands.progress import evaluation_progress

    with evaluation_progress() as progress:
        evaluated = search.evaluate_supernet(
            path,
            replace(images, recalibration=replace(images.recalibration, seed=seed)),
            archs or None,
            options=search.EvaluationOptions(seed=seed, **options),
            progress=progress,
        )
    if output is not None:
        evaluated.write_csv(output)
        say(f"Wrote {len(evaluated)} accuracies to {output}")
    if as_json:
        print_json(evaluated.to_dict())
    else:
        _show(evaluated)


def _show(evaluated: EvaluatedArchs) -> None:
    inherited = evaluated[0].inherited is not None
    columns = ["network", ">top-1 %", "95 %", ">top-5 %", ">CPU s"]
    columns += [">not recalibrated"] if inherited else []
    rows = [_row(one) for one in evaluated]
    facts, first = evaluated[0].facts, evaluated[0].evaluation
    title = f"{facts['supernet']}: {first.accuracy.n:,} {facts['split']} images of {facts['data']}"
    spent = [one.evaluation.recalibration_cpu_s for one in evaluated]
    notes = [
        f"Batch norm is recalibrated on {first.recalibrated_on:,} training images: "
        f"{sum(spent) / len(spent):.2f} CPU s a network."
    ]
    show_table(columns, rows, title, notes if first.recalibrated_on else [])


def _row(one: EvaluatedArch) -> list[str]:
    accuracy = one.evaluation.accuracy
    return [
        one.arch.name,
        f"{accuracy.top1:.2f}",
        f"{accuracy.low:.2f} to {accuracy.high:.2f}",
        "-" if accuracy.top5 is None else f"{accuracy.top5:.2f}",
        f"{one.evaluation.cpu_s:.2f}",
        *([] if one.inherited is None else [f"{one.inherited:.2f}"]),
    ]
