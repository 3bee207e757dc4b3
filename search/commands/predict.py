"""``nassearch predict``: the accuracy of architectures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nasprof.cli import GreedyCommand, json_option, print_json, show_table
from profiler.commands.options import arch_option

if TYPE_CHECKING:
    from search.accuracy import AccuracyModel
    from search.accuracy.predict import AccuracyPredictions


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
    import search

    predictions = search.predict_accuracy(paths, name)
    if as_json:
        print_json(predictions.to_dict())
    else:
        _show(predictions)


def _show(predictions: AccuracyPredictions) -> None:
    cells = [
        (
            prediction.name,
            prediction.space,
            f"{prediction.top1:.2f}",
            "unknown" if prediction.std is None else f"{prediction.std:.2f}",
        )
        for prediction in predictions
    ]
    columns, model = ("architecture", "space", ">top-1 %", ">std"), predictions.model
    show_table(columns, cells, f"{model.name}: predicted accuracy", _notes(model))


def _notes(model: AccuracyModel) -> list[str]:
    """How well the model did on networks it was not fitted to, where that is known."""
    score = model.provenance.get("cross_validation")
    if score is None:
        return []
    return [
        f"Cross-validated on {score['n']} networks: Spearman {score['spearman']:.4f}, "
        f"mean absolute error {score['mae']:.3f} points."
    ]
