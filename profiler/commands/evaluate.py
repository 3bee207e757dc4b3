"""``nasprof evaluate``: the accuracy of model files on a device."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nasprof.cli import GreedyCommand, json_option, print_json, show_table
from nasprof.errors import UsageError
from profiler.commands.options import normalisation_options
from profiler.commands.target import target_options

if TYPE_CHECKING:
    from devices import Target
    from nasprof.normalisation import Normalisation
    from profiler.api.evaluate import EvaluatedFiles


@click.command(cls=GreedyCommand)
@target_options(setting="--set")
@click.option(
    "--model",
    "models",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path),
    help="Model files (.onnx, .tflite, .pt) of classifiers, one or more.",
)
@click.option(
    "--data",
    required=True,
    help="Labelled images: a folder, a file, or the name of a data set.",
)
@click.option(
    "--split", default="test", show_default=True, help="Of the images: test, validation or train."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the splits.")
@normalisation_options(
    "Of pixels scaled to 0..1, a channel each, for files that take normalised images."
)
@json_option
def evaluate(
    target: Target,
    models: tuple[Path, ...],
    data: str,
    split: str,
    seed: int,
    normalisation: Normalisation | None,
    as_json: bool,
) -> None:
    """Measure how often model files are right about labelled images, by running them."""
    import profiler
    from profiler.commands.progress import step_bar
    from supernets.data import read_data

    shape = _image_shape(models, target)
    with step_bar("reading images") as progress:
        images = read_data(data, shape, seed=seed, progress=progress).split(split)
    with step_bar("images") as progress:
        results = profiler.evaluate(
            models, images, images.labels, target, normalisation=normalisation, progress=progress
        )
    if as_json:
        print_json(results.to_dict())
    else:
        _show(results)


def _image_shape(models: tuple[Path, ...], target: Target) -> tuple[int, int, int]:
    """Shape ``(h, w, c)`` of the images that all files take."""
    from profiler.model_files.backends import backend_of
    from profiler.model_files.logits import image_shape

    shapes = {path: image_shape(path, backend_of(target, [path])) for path in models}
    if len(set(shapes.values())) > 1:
        listed = ", ".join(f"{path} {shape}" for path, shape in shapes.items())
        raise UsageError(f"models take images of different shapes: {listed}", "Give one at a time.")
    return next(iter(shapes.values()))


def _show(results: EvaluatedFiles) -> None:
    rows = [
        (
            result.path.name,
            result.device,
            f"{result.runtime} {result.runtime_version or ''}",
            f"{result.accuracy.top1:.2f}",
            f"{result.accuracy.low:.2f} to {result.accuracy.high:.2f}",
            "-" if result.accuracy.top5 is None else f"{result.accuracy.top5:.2f}",
            f"{result.accuracy.n}",
        )
        for result in results
    ]
    columns = ("file", "device", "runtime", ">top-1 %", ">95 % interval", ">top-5 %", ">images")
    show_table(columns, rows)
