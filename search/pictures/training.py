"""How a supernet's training went, as a picture."""

from __future__ import annotations

from pathlib import Path

from nasprof.errors import UsageError
from nasprof.figures import new_figure, save_figure
from search.pictures.drawing import look, plain
from supernets.training.history import read_history


def plot_history(history: Path, path: Path) -> None:
    """Write the loss and the validation accuracy of a training against its steps, as PNG.

    Args:
        history: file that the training wrote beside its checkpoint (``S.history.jsonl``).

    Raises:
        UsageError: it is no history, or an empty one.
        NasprofError: the picture cannot be written.
    """
    records = read_history(history)
    losses = [(record["step"], record["loss"]) for record in records if "loss" in record]
    if not losses:
        raise UsageError(f"{history} has no steps yet")
    checks = [record for record in records if record.get("validation")]
    figure = new_figure(f"Training of {history.name.removesuffix('.history.jsonl')}", 8.0, 4.0)
    left, right = figure.subplots(1, 2)
    left.plot(*zip(*losses, strict=True), linewidth=1.4, **{**look(0), "marker": ""})
    left.set_ylabel("training loss")
    for number, name in enumerate(("smallest", "largest")):
        points = [(record["step"], record["validation"][name]) for record in checks]
        if points:
            right.plot(*zip(*points, strict=True), linewidth=1.4, label=name, **look(number))
    right.set_ylabel("validation top-1 in %")
    if checks:
        right.legend(frameon=False)
    for axes in (left, right):
        plain(axes)
        axes.set_xlabel("steps")
    save_figure(figure, path)
