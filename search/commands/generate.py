"""``nassearch generate``: the most accurate networks that run within latency budgets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nasprof.cli import json_option, say
from nasprof.errors import UsageError
from profiler.commands.options import Milliseconds, supernet_or_images_options
from search.commands.options import (
    DEFAULT_ACCURACY,
    ModelRequest,
    NameList,
    answer_options,
    trade_off_options,
    verify_options,
)

if TYPE_CHECKING:
    from search.accuracy.base import AccuracyModel
    from supernets import SupernetWeights


@click.command()
@click.option(
    "--budget",
    "budgets_ms",
    type=Milliseconds(),
    multiple=True,
    required=True,
    help="Latency allowed: 110, 110ms, 0.11s; may be given several times.",
)
@trade_off_options
@answer_options
@click.option(
    "--top",
    type=click.IntRange(1, 32),
    default=1,
    show_default=True,
    help="Networks for each budget.",
)
@verify_options
@click.option(
    "--answers",
    "measured_top1",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Top-1 of earlier answers as it was measured (.csv: arch,top1), for what the next have "
    "at least.",
)
@click.option("--protocol", help="How to measure; as the table was, in more rounds, unless given.")
@click.option(
    "--learn/--no-learn",
    default=True,
    show_default=True,
    help="Let your own table remember how far off measured answers were.",
)
@click.option("--export", "formats", type=NameList(), help="Write models: onnx,tflite,torch.")
@click.option(
    "--weights",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Checkpoint for --export (.npz, .pth): an OFA supernet's, as it is. Random without this "
    "and --supernet.",
)
@supernet_or_images_options(" Without --supernet: images that cells of nasbench201 are ranked for.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("out"),
    show_default=True,
    help="Folder for --export.",
)
@click.option("--plot", type=click.Path(path_type=Path), help="Networks and front, as PNG.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@json_option
def generate(
    budgets_ms: tuple[float, ...],
    request: ModelRequest,
    verify: bool | None,
    formats: tuple[str, ...] | None,
    weights: Path | None,
    supernet: SupernetWeights | None,
    images: str | None,
    output: Path,
    plot: Path | None,
    as_json: bool,
    **details: Any,
) -> None:
    """Answer latency budgets with the most accurate networks that keep within them.

    What is missing is made first, and kept: the lookup table of this machine. Afterwards any
    budget is answered in about a second.
    """
    if supernet is not None and formats is None:
        raise UsageError("--supernet gives the weights of files, and there is no --export")
    from search.answers.export import Export
    from search.answers.generate import generate
    from search.answers.request import GenerateOptions
    from search.commands.progress import answer_progress
    from search.commands.replies import show_replies

    own = {} if supernet is None else _own_accuracy(supernet, request)
    if images is not None:
        from search.commands.images import accuracy_of_images

        own = {"accuracy": accuracy_of_images(images, request)}
    with answer_progress() as progress:
        replies = generate(
            budgets_ms,
            **{**request.arguments, **own},
            verify=verify,
            export=None if formats is None else Export(output, formats, weights, supernet=supernet),
            options=GenerateOptions(**request.details, **details),
            progress=progress,
        )
    show_replies(replies, as_json)
    if plot is not None:
        from search.pictures.answers import plot_replies

        plot_replies(replies, plot)
        say(f"Plotted to {plot}")
    replies.raise_for_error()


def _own_accuracy(supernet: SupernetWeights, request: ModelRequest) -> dict[str, AccuracyModel]:
    """The accuracy model of one's own supernet on its images, unless another one is named."""
    if supernet.data is None or request.accuracy != DEFAULT_ACCURACY or not supernet.own:
        return {}
    from search.commands.progress import evaluation_progress
    from search.runs.supernet_accuracy import accuracy_of_supernet

    with evaluation_progress() as progress:
        model = accuracy_of_supernet(
            supernet.path, str(supernet.data), progress, request.resolution
        )
    return {"accuracy": model}
