"""``nassearch predict``: the accuracy of architectures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nasprof.cli import GreedyCommand, json_option, print_json, say, show_table
from profiler.commands.options import arch_option

if TYPE_CHECKING:
    from profiler.model_files.architectures import NamedArch
    from search.accuracy import AccuracyModel


@click.command(cls=GreedyCommand)
@click.option(
    "--accuracy",
    "name",
    default="imagenet",
    show_default=True,
    help="Accuracy model: a name, a file (.npz, .pth), or measured networks (.csv).",
)
@arch_option("paths", required=True)
@json_option
def predict(name: str, paths: tuple[Path, ...], as_json: bool) -> None:
    """Predict the top-1 accuracy of architectures without training them.

    'std' is the standard deviation of the prediction's error where the model knows it.
    """
    from profiler.model_files.architectures import named_archs
    from search.accuracy import read_accuracy_model

    archs = named_archs(paths)
    model = read_accuracy_model(name)
    rows = predictions(model, archs)
    for doubt in model.doubts:
        say(f"Take {model.name!r} with care: {doubt}.")
    if as_json:
        print_json(rows)
    else:
        _show(model, rows)


def predictions(model: AccuracyModel, archs: list[NamedArch]) -> list[dict[str, Any]]:
    """A row an architecture, in order, ready for JSON.

    Raises:
        SpaceMismatch: the model is not of an architecture's space.
    """
    rows = []
    for arch in archs:
        genes = arch.genes[None]
        std = model.std(genes, arch.space)
        rows.append(
            {
                "name": arch.name,
                "space": arch.space.label,
                "top1": float(model.top1(genes, arch.space)[0]),
                "std": None if std is None else float(std[0]),
            }
        )
    return rows


def _show(model: AccuracyModel, rows: list[dict[str, Any]]) -> None:
    cells = [
        (
            row["name"],
            row["space"],
            f"{row['top1']:.2f}",
            "unknown" if row["std"] is None else f"{row['std']:.2f}",
        )
        for row in rows
    ]
    columns = ("architecture", "space", ">top-1 %", ">std")
    show_table(columns, cells, f"{model.name}: predicted accuracy", _notes(model))


def _notes(model: AccuracyModel) -> list[str]:
    """How well the model did on networks it was not fitted to, where that is known."""
    found = model.provenance.get("cross_validation")
    if found is None:
        return []
    return [
        f"Cross-validated on {found['n']} networks: Spearman {found['spearman']:.4f}, "
        f"mean absolute error {found['mae']:.3f} points."
    ]
