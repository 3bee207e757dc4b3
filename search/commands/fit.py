"""``nassearch fit``: learn an accuracy model from networks whose accuracy was measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nasprof.cli import json_option, print_json, show_table
from nasprof.errors import UsageError
from nasprof.typing import JsonObject
from search.commands.images import images_options
from search.commands.options import space_options

if TYPE_CHECKING:
    from search.accuracy.fitted import FittedAccuracy
    from search.accuracy.kernel import KernelAccuracy
    from search.objectives.images import LabelledImages


@click.command()
@click.argument("table", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@images_options("validation")
@click.option(
    "-n",
    "--networks",
    type=click.IntRange(20),
    default=150,
    show_default=True,
    help="Networks of a supernet to evaluate.",
)
@click.option("-o", "--output", help="A file (.npz), or a name among your own [default: TABLE].")
@space_options(
    "Space of the archs.",
    "Width multiplier, where the archs do not tell it.",
    "Input in pixels, where the archs do not tell it; of a supernet's networks.",
)
@click.option("--source", help="Where the measurements are from, for the model card.")
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the folds."
)
@click.option("--overwrite", is_flag=True, help="Replace the output if it exists.")
@json_option
def fit(
    table: Path,
    output: str | None,
    space: JsonObject,
    source: str | None,
    seed: int,
    overwrite: bool,
    as_json: bool,
    images: LabelledImages | None,
    networks: int,
) -> None:
    """Learn to predict top-1 accuracy from the measured networks in TABLE.

    TABLE is a CSV file, or one compressed as .csv.gz, with columns 'arch' and 'top1' (percent), or
    'ks', 'e', 'd' and 'top1'; or a supernet (.safetensors), networks of which are evaluated on the
    validation images of --data. What does not allow to rank networks is refused. A model card is
    written next to the model.
    """
    import search
    from search.accuracy.files import stem
    from search.objectives.supernet_accuracy import is_supernet

    output = output or stem(table)
    if is_supernet(str(table)):
        fitted = _of_supernet(
            table, images, networks, seed, output, overwrite, space.get("resolution")
        )
    else:
        fitted = search.fit_accuracy(
            table, output, space=space, source=source, seed=seed, overwrite=overwrite
        )
    if as_json:
        print_json(fitted.to_dict())
    else:
        _show(fitted.model)


def _of_supernet(
    path: Path,
    images: LabelledImages | None,
    networks: int,
    seed: int,
    output: str,
    overwrite: bool,
    resolution: int | None,
) -> FittedAccuracy:
    import search
    from search.commands.progress import evaluation_progress
    from search.runs.supernet_accuracy import learning_options

    if images is None:
        raise UsageError(f"{path} is a supernet, to be evaluated on images", "Name them: --data.")
    with evaluation_progress() as progress:
        return search.fit_supernet(
            path,
            images,
            output,
            options=replace(learning_options(networks, seed), resolution=resolution),
            overwrite=overwrite,
            progress=progress,
        )


def _show(model: KernelAccuracy) -> None:
    about = model.provenance
    score, noise = about["cross_validation"], about["noise"]
    floor = "no network measured twice" if noise is None else f"{noise:.3f} points"
    rows = [
        ("measurements", str(about["measurements"])),
        ("distinct networks", str(about["networks"])),
        ("noise floor", floor),
        ("Spearman", f"{score['spearman']:.4f}"),
        ("Kendall", f"{score['kendall']:.4f}"),
        ("mean absolute error", f"{score['mae']:.3f} points"),
        ("kernel", model.process.kernel.form),
    ]
    notes = [f"Errors: {score['folds']}-fold cross-validation by distinct network."]
    show_table(("", ">"), rows, f"{model.name}: top-1 of {model.space.label}", notes)
