"""``nassearch supernet``: networks with weights."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nasprof.cli import json_option, print_json, setting_option, show_table
from nasprof.typing import JsonObject
from search.commands.supernet_evaluate import evaluate
from search.commands.supernet_export import export

if TYPE_CHECKING:
    from supernets import TrainedSupernet, TrainingOptions

_SECONDS = 300.0


@click.group()
def supernet() -> None:
    """Train the networks of a space together, in one set of weights, and evaluate them."""


supernet.add_command(evaluate)
supernet.add_command(export)


@supernet.command()
@click.option("--space", "name", required=True, help="Space: a name, or a file (.json) of one.")
@setting_option("A setting of the space, as JSON: --set resolution=28.")
@click.option("--data", required=True, help="Labelled images: a folder, a file, or a name.")
@click.option(
    "--seconds",
    type=click.FloatRange(0, min_open=True),
    help=f"CPU time of this process, {_SECONDS:.0f} unless --steps is given.",
)
@click.option("--steps", type=click.IntRange(1), help="Updates of the weights, instead of a time.")
@click.option("--scheme", help="Which networks learn in a step: uniform, sandwich, shrinking.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@setting_option("Any other setting of the training: --recipe batch=128.", "--recipe", "recipe")
@click.option("--start", help="Begin with the weights of this supernet: a file, also OFA's.")
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda or cuda:N.")
@click.option("--loaders", type=click.IntRange(0, 256), default=0, help="Processes for images.")
@click.option("--resume/--fresh", default=True, help="Go on with what was left, or begin anew.")
@click.option("--plot", type=click.Path(path_type=Path), help="Write the curves here (.png).")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help=".safetensors")
@json_option
def train(
    name: str,
    settings: JsonObject,
    data: str,
    recipe: JsonObject,
    output: Path,
    plot: Path | None,
    start: str | None,
    as_json: bool,
    **others: object,
) -> None:
    """Train a supernet on labelled images.

    Interrupted, it is saved; the same command goes on.
    """
    from search.commands.training_bar import training_bar
    from spaces.named import space_settings
    from supernets import Recipe, train_supernet

    chosen, options = _options(recipe, others)
    with training_bar() as progress:
        trained = train_supernet(
            {**space_settings(name), **settings},
            data,
            Recipe.of(chosen),
            output=output,
            start=start,
            options=options,
            progress=progress,
        )
    if plot is not None:
        from search.pictures.training import plot_history
        from supernets.training.history import history_path

        plot_history(history_path(output), plot)
    _show(trained, as_json)


def _options(recipe: JsonObject, others: dict[str, object]) -> tuple[JsonObject, TrainingOptions]:
    """Settings of the recipe, and how it is carried out, of what was given."""
    from supernets import TrainingOptions

    given = {name: others[name] for name in ("scheme", "seed", "steps")}
    chosen = {name: value for name, value in given.items() if value is not None} | recipe
    seconds = None if "steps" in chosen else others["seconds"] or _SECONDS
    if seconds is None and others["seconds"]:
        raise click.UsageError("--seconds and --steps are two ways to say the same")
    options = TrainingOptions(
        seconds=seconds,  # type: ignore[arg-type]
        spent_s=time.process_time(),
        device=str(others["device"]),
        fresh=not others["resume"],
        loaders=int(others["loaders"]),  # type: ignore[call-overload]
    )
    return chosen, options


def _show(trained: TrainedSupernet, as_json: bool) -> None:
    if as_json:
        print_json(trained.to_dict())
        return
    click.echo(trained.path)
    accuracy = trained.accuracy
    rows = [(name, f"{accuracy[name]:.1f}") for name in ("smallest", "largest") if name in accuracy]
    if rows:
        notes = [f"on {accuracy['n']:.0f} validation images, batch norm recalibrated"]
        show_table(("network", ">top-1 %"), rows, notes=notes)
