"""``nassearch pomonag predictor`` and ``accuracy``: what is learned from tasks, and of images."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from nasprof.cli import json_option, print_json, setting_option
from search.commands.progress import late_bar

_OUTPUT = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--encoder", default="pixels", show_default=True, help="NAME, or NAME@FILE.")
@setting_option("How it learns, as JSON: --set members=10.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("-o", "--output", required=True, type=_OUTPUT, help="Predictor (.npz).")
@json_option
def predictor(
    folder: Path,
    encoder: str,
    settings: dict[str, Any],
    seed: int,
    output: Path,
    as_json: bool,
) -> None:
    """Learn what cells reach on data sets, from a folder of nassearch pomonag tasks."""
    from search.tasks.learning import learn_predictor
    from search.tasks.predictor_training import PredictorSettings

    with ExitStack() as bars:
        bar = late_bar(bars, "encoding tasks")
        learned = learn_predictor(folder, encoder, PredictorSettings.of(settings), seed, bar)
    learned.as_arrays().write(output)
    if as_json:
        print_json({**learned.about, "file": str(output)})
        return
    judged = learned.about["cross_validation"]
    click.echo(
        f"{output}: {learned.about['triplets']:,} triplets of {learned.about['tasks']} tasks; "
        f"left out, Spearman within a task {judged['spearman']:.3f}, "
        f"error {judged['error']:.1f} points"
    )


@click.command()
@click.option("--data", required=True, help="Labelled images: a folder, a file or a name.")
@click.option("--predictor", "known", default="pixels", show_default=True, help="Name or file.")
@click.option("--encoder", help="With its weights, NAME@FILE, where it needs them.")
@click.option("-o", "--output", required=True, type=_OUTPUT, help="Accuracy model (.npz).")
@json_option
def accuracy(data: str, known: str, encoder: str | None, output: Path, as_json: bool) -> None:
    """Write the accuracy model of your own images, for --accuracy of any command."""
    from search.accuracy.files import write_accuracy_model
    from search.tasks.own_images import accuracy_for_images

    model = accuracy_for_images(data, predictor=known, encoder=encoder)
    write_accuracy_model(model, output)
    if as_json:
        print_json({**model.provenance, "error": model.error, "file": str(output)})
        return
    about = model.provenance
    click.echo(f"{output}: {about['images']}, {about['classes']} classes, by {about['encoder']}")
