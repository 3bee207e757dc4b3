"""How a supernet was adapted, as pictures: the front after each iteration, or the last of many
objectives.
"""

from __future__ import annotations

from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nasprof.errors import UsageError
from nasprof.figures import new_figure, save_figure
from nasprof.typing import Array, JsonObject
from search.adaptation.result import TransferResult
from search.archives.stored import StoredObjective
from search.pictures.drawing import COLOURS, axis_label, own_numbers, plain
from search.pictures.fronts import plot_front

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PANELS = 6
"""Iterations that are drawn, the first and the last among them."""
_COLUMNS = 3
_ARCHIVE = "#C4C4C4"


def plot_transfer(result: TransferResult, path: Path) -> None:
    """Write what a transfer came to as PNG.

    With two objectives a panel an iteration: the archive, the front, and behind it the last one.
    With more, the last front: in space, or along one axis an objective.

    Raises:
        UsageError: there is one objective only.
        NasprofError: the file cannot be written.
    """
    objectives = [
        StoredObjective(name, unit, name.startswith("top1"), {})
        for name, unit in result.record["objectives"].items()
    ]
    title = f"{result.path.parent.name}: {result.record['method']}"
    front = _values(result.front)
    if len(objectives) != 2:
        marked = {f"trade-off {n}": row for n, row in enumerate(result.record["trade_off"], 1)}
        plot_front(objectives, front, None, dict(list(marked.items())[:5]), title, path)
        return
    if not len(front):
        raise UsageError("there is nothing to draw: nothing was evaluated")
    iterations = list(result.iterations)
    shown = np.unique(np.linspace(0, len(iterations) - 1, _PANELS).round().astype(int))
    rows = ceil(len(shown) / _COLUMNS)
    figure = new_figure(title, 11, 3.2 * rows + 0.6)
    panels = figure.subplots(rows, _COLUMNS, sharex=True, sharey=True, squeeze=False)
    for axes in panels.flat[len(shown) :]:
        axes.set_axis_off()
    for axes, number in zip(panels.flat, shown, strict=False):
        _draw(axes, iterations[number], front)
    for axes in panels[:, 0]:
        axes.set_ylabel(axis_label(objectives[0]))
    for axes in panels.flat[max(len(shown) - _COLUMNS, 0) : len(shown)]:
        axes.set_xlabel(axis_label(objectives[1]))
        axes.xaxis.set_tick_params(labelbottom=True)
    handles, labels = panels.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    save_figure(figure, path)


def _values(front: object) -> Array:
    """Objectives of networks ``(n, n_objectives)``."""
    return np.array([list(one["values"].values()) for one in front], np.float64)  # type: ignore[attr-defined]


def _draw(axes: Axes, iteration: JsonObject, last: Array) -> None:
    """The archive of an iteration, its front, and the last front."""
    archive, front = np.array(iteration["archive"]), _values(iteration["front"])
    axes.plot(archive[:, 1], archive[:, 0], ".", color=_ARCHIVE, markersize=4, label="evaluated")
    for points, colour, name in ((last, COLOURS[1], "last front"), (front, COLOURS[0], "front")):
        order = np.argsort(points[:, 1])
        line = points[order]
        axes.step(line[:, 1], line[:, 0], where="post", color=colour, linewidth=0.9)
        axes.plot(line[:, 1], line[:, 0], "o", color=colour, markersize=3.5, label=name)
    axes.set_title(f"iteration {iteration['iteration']}", fontsize=10)
    own_numbers(axes.xaxis, axes.yaxis)
    plain(axes)
