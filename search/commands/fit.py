"""``nassearch fit``: learn an accuracy model from networks whose accuracy was measured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nasprof.cli import json_option, print_json, say, show_table

if TYPE_CHECKING:
    from search.accuracy.kernel import KernelAccuracy


@click.command()
@click.argument("table", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("-o", "--output", help="A file (.npz), or a name among your own [default: TABLE].")
@click.option("--space", "name", default="ofa-mbv3", show_default=True, help="Space of the archs.")
@click.option("--width", type=float, help="Width multiplier, where the archs do not tell it.")
@click.option("--resolution", type=int, help="Input in pixels, where the archs do not tell it.")
@click.option("--source", help="Where the measurements are from, for the model card.")
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the folds."
)
@click.option("--overwrite", is_flag=True, help="Replace the output if it exists.")
@json_option
def fit(
    table: Path,
    output: str | None,
    name: str,
    width: float | None,
    resolution: int | None,
    source: str | None,
    seed: int,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Learn to predict top-1 accuracy from the measured networks in TABLE.

    TABLE is a CSV file, or one compressed as .csv.gz, with columns 'arch' and 'top1' (percent),
    or 'ks', 'e', 'd' and 'top1'. A table that does not allow to rank networks is refused. A model
    card is written next to the model.
    """
    from luts.files import refuse_existing
    from nasprof.files import write_atomic
    from search.accuracy.card import model_card
    from search.accuracy.files import accuracy_files, stem, write_accuracy_model
    from search.accuracy.fit import fit_measurements
    from search.accuracy.measurements import read_measurements

    path = accuracy_files.path(output or stem(table))
    card = path.with_suffix(".md")
    for each in (path, card):
        refuse_existing(each, overwrite)
    given = {"space": name, "width": width, "resolution": resolution}
    settings = {key: value for key, value in given.items() if value is not None}
    measurements = read_measurements(table, settings)
    say(f"Fitting {len(measurements)} distinct networks of {measurements.space.label} ...")
    model = fit_measurements(measurements, path.stem, source or table.name, seed)
    write_accuracy_model(model, path)
    write_atomic(card, model_card(model).encode())
    if as_json:
        print_json({"path": str(path), "card": str(card), **_summary(model)})
    else:
        _show(model)
    for doubt in model.doubts:
        say(f"Take {model.name!r} with care: {doubt}.")
    say(f"Written to {path}, with its card {card.name}")


def _summary(model: KernelAccuracy) -> dict[str, Any]:
    return {
        "space": model.space.settings,
        "kernel": model.process.kernel.form,
        **model.provenance,
        "doubts": model.doubts,
    }


def _show(model: KernelAccuracy) -> None:
    about = model.provenance
    found, noise = about["cross_validation"], about["noise"]
    floor = "no network measured twice" if noise is None else f"{noise:.3f} points"
    rows = [
        ("measurements", str(about["measurements"])),
        ("distinct networks", str(about["networks"])),
        ("noise floor", floor),
        ("Spearman", f"{found['spearman']:.4f}"),
        ("Kendall", f"{found['kendall']:.4f}"),
        ("mean absolute error", f"{found['mae']:.3f} points"),
        ("kernel", model.process.kernel.form),
    ]
    notes = [f"Errors: {found['folds']}-fold cross-validation by distinct network."]
    show_table(("", ">"), rows, f"{model.name}: top-1 of {model.space.label}", notes)
