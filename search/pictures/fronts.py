"""A front as a picture: in the plane, in space, or along one axis an objective."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from nasprof.errors import UsageError
from nasprof.figures import new_figure, save_figure
from nasprof.typing import Array
from search.pictures.drawing import (
    COLOURS,
    Described,
    Style,
    axis_label,
    label,
    own_numbers,
    plain,
    short,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from mpl_toolkits.mplot3d import Axes3D  # type: ignore[import-untyped]

Marked: TypeAlias = Mapping[str, int]
Drawing: TypeAlias = Callable[[Sequence[Described], Array, Array, Marked, str], "Figure"]

_OTHERS = "#C4C4C4"
# Told apart from the front's colours and from each other by shape as well.
_MARKED = (("#D55E00", "*"), ("#CC79A7", "D"), ("#000000", "s"), ("#E69F00", "^"), ("#009E73", "v"))


def plot_front(
    objectives: Sequence[Described],
    front: Array,
    others: Array | None,
    marked: Marked,
    title: str,
    path: Path,
) -> None:
    """Write a front as PNG: a plane, a space with its three planes, or parallel coordinates.

    Args:
        objectives: name, unit and direction of each; everything is in their own units.
        front: ``(n, n_objectives)``.
        others: what else was evaluated, ``(n_others, n_objectives)``; drawn with up to three
            objectives.
        marked: rows of the front to point out, by what they are called; five can be told apart.

    Raises:
        UsageError: there is nothing to draw, or one objective only.
        NasprofError: the file cannot be written.
    """
    if len(front) == 0 or len(objectives) < 2:
        what = "one objective has no front" if len(front) else "nothing was evaluated"
        raise UsageError(f"there is nothing to draw: {what}")
    draw: Drawing = _DRAWN.get(len(objectives), _draw_parallel)
    kept = front[:0] if others is None else others[np.isfinite(others).all(1)]
    figure = draw(objectives, front, kept, _joined(marked), title)
    handles, labels = figure.axes[-1].get_legend_handles_labels()
    columns = min(len(labels), 5)
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, frameon=False)
    save_figure(figure, path)


def _joined(marked: Marked) -> dict[str, int]:
    """One name for each row, as several may fall together."""
    names: dict[int, list[str]] = {}
    for name, row in marked.items():
        names.setdefault(row, []).append(name)
    return {", ".join(same): row for row, same in names.items()}


def _style(number: int) -> Style:
    colour, mark = _MARKED[number % len(_MARKED)]
    return {"color": colour, "marker": mark}


# --- two and three objectives -------------------------------------------------------------------


def _draw_plane(
    objectives: Sequence[Described], front: Array, others: Array, marked: Marked, title: str
) -> Figure:
    figure = new_figure(title, 8, 5.5)
    _draw_pair(figure.subplots(), objectives, (1, 0), front, others, marked, line=True)
    return figure


def _draw_space(
    objectives: Sequence[Described], front: Array, others: Array, marked: Marked, title: str
) -> Figure:
    """The space at the upper left, then what is seen along each of its axes."""
    figure = new_figure(title, 11.5, 9)
    space = figure.add_subplot(2, 2, 1, projection="3d")
    _draw_cube(space, objectives, front, marked)
    for number, (y, x) in enumerate(combinations(range(3), 2), 2):
        axes = figure.add_subplot(2, 2, number)
        _draw_pair(axes, objectives, (x, y), front, others, marked, line=False)
    return figure


def _draw_pair(
    axes: Axes,
    objectives: Sequence[Described],
    pair: tuple[int, int],
    front: Array,
    others: Array,
    marked: Marked,
    line: bool,
) -> None:
    """Two of the objectives; a line of steps bounds what the front dominates."""
    x, y = pair
    if len(others):
        axes.plot(others[:, x], others[:, y], ".", color=_OTHERS, markersize=4, label="evaluated")
    if line:
        order = np.argsort(front[:, x])
        # Between two solutions, only the one with less of what costs can be had.
        where: Literal["pre", "post"] = "pre" if objectives[x].maximise else "post"
        axes.step(front[order, x], front[order, y], where=where, color=COLOURS[0], linewidth=0.8)
    axes.plot(front[:, x], front[:, y], "o", color=COLOURS[0], markersize=4.5, label="front")
    for number, (name, row) in enumerate(marked.items()):
        axes.plot(front[row, x], front[row, y], label=name, **_mark(number))
    axes.set_xlabel(axis_label(objectives[x]))
    axes.set_ylabel(axis_label(objectives[y]))
    own_numbers(axes.xaxis, axes.yaxis)
    plain(axes)


def _mark(number: int) -> Style:
    return _style(number) | {
        "linestyle": "",
        "markersize": 15 if number == 0 else 10,
        "markeredgecolor": "white",
        "zorder": 5,
    }


def _draw_cube(axes: Axes3D, objectives: Sequence[Described], front: Array, marked: Marked) -> None:
    # What is pointed out is drawn over everything, also where it lies behind.
    axes.computed_zorder = False
    axes.scatter(*front[:, ::-1].T, color=COLOURS[0], s=14, depthshade=False, zorder=2)
    for number, row in enumerate(marked.values()):
        axes.plot(*front[row : row + 1, ::-1].T, **_mark(number))
    axes.set_xlabel(label(objectives[2]), labelpad=6)
    axes.set_ylabel(label(objectives[1]), labelpad=9)
    axes.set_zlabel(label(objectives[0]), labelpad=6)
    own_numbers(axes.xaxis, axes.yaxis, axes.zaxis)
    axes.tick_params(labelsize="small")
    axes.set_box_aspect((1.2, 1.2, 1), zoom=1.05)
    axes.view_init(elev=24, azim=-50)


# --- more objectives ----------------------------------------------------------------------------


def _draw_parallel(
    objectives: Sequence[Described], front: Array, _: Array, marked: Marked, title: str
) -> Figure:
    """A line a solution, across an axis an objective; the better, the higher."""
    figure = new_figure(title, max(8.0, 1.35 * len(objectives)), 6)
    axes = figure.subplots()
    heights = _heights(objectives, front)
    across = np.arange(len(objectives))
    _draw_lines(axes, heights, f"front ({len(front)}), coloured by {objectives[0].name}")
    for number, (name, row) in enumerate(marked.items()):
        axes.plot(across, heights[row], label=name, linewidth=3, **_bold(number))
    for column, objective in enumerate(objectives):
        _draw_scale(axes, column, objective, front[:, column])
    axes.set_xticks(across, [_stacked(objective) for objective in objectives], fontsize="small")
    axes.set_xlim(-0.5, len(objectives) - 0.4)
    axes.set_ylim(-0.04, 1.04)
    axes.set_yticks([0, 1], ["worst on\nthe front", "best on\nthe front"], fontsize="small")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    return figure


def _heights(objectives: Sequence[Described], front: Array) -> Array:
    """Every objective from 0, the worst on the front, to 1, the best; all equal ones between."""
    signs = np.array([1.0 if objective.maximise else -1.0 for objective in objectives])
    values = signs * front
    ranges = np.ptp(values, axis=0)
    return np.where(ranges > 0, (values - values.min(0)) / np.where(ranges > 0, ranges, 1), 0.5)


def _draw_lines(axes: Axes, heights: Array, name: str) -> None:
    """Thin lines, coloured by the first objective so that they can be followed."""
    from matplotlib import colormaps
    from matplotlib.collections import LineCollection

    lines = [list(enumerate(row)) for row in heights]
    alpha = float(np.clip(60 / len(lines), 0.08, 0.8))
    # The brightest colours are hardly seen on white.
    colours = colormaps["viridis"](0.92 * heights[:, 0])
    axes.add_collection(LineCollection(lines, colors=colours, linewidths=1, alpha=alpha))
    axes.plot([], [], color=colormaps["viridis"](0.5), label=name)


def _bold(number: int) -> Style:
    from matplotlib.patheffects import Normal, Stroke

    outline = [Stroke(linewidth=5, foreground="white"), Normal()]
    return _style(number) | {"markersize": 9, "zorder": 5, "path_effects": outline}


def _draw_scale(axes: Axes, column: int, objective: Described, values: Array) -> None:
    """An axis with five numbers in the objective's own unit, or the only one."""
    axes.axvline(column, color="#555555", linewidth=0.8, zorder=3)
    worst, best = sorted((values.min(), values.max()), reverse=not objective.maximise)
    shares = np.linspace(0, 1, 5) if worst != best else np.array([0.5])
    for share in shares:
        axes.text(
            column + 0.09,
            share,
            short(worst + share * (best - worst)),
            fontsize="x-small",
            va="center",
            zorder=6,
            bbox={"facecolor": "white", "alpha": 0.7, "pad": 0.6, "linewidth": 0},
        )


def _stacked(objective: Described) -> str:
    """Name and unit in lines narrow enough to stand beside others."""
    name = objective.name.replace("@", "\n@")
    return f"{name}\n{objective.unit}" if objective.unit else name


_DRAWN: dict[int, Drawing] = {2: _draw_plane, 3: _draw_space}
