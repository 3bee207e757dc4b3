"""A front as a picture: in the plane, in space, or along one axis an objective."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from nasprof.errors import UsageError
from nasprof.typing import Array
from search.pictures.drawing import (
    COLOURS,
    Described,
    axis_label,
    figure,
    label,
    own_numbers,
    plain,
    save,
    short,
)

Marked: TypeAlias = Mapping[str, int]
Drawing: TypeAlias = Callable[[Sequence[Described], Array, Array, Marked, str], Any]

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
        marked: places in the front to point out, by what they are called; five can be told apart.

    Raises:
        UsageError: there is nothing to draw, or one objective only.
        NasprofError: the file cannot be written.
    """
    if len(front) == 0 or len(objectives) < 2:
        what = "one objective has no front" if len(front) else "nothing was evaluated"
        raise UsageError(f"there is nothing to draw: {what}")
    draw: Drawing = _DRAWN.get(len(objectives), _draw_parallel)
    kept = front[:0] if others is None else others[np.isfinite(others).all(1)]
    drawn = draw(objectives, front, kept, _joined(marked), title)
    handles, labels = drawn.axes[-1].get_legend_handles_labels()
    columns = min(len(labels), 5)
    drawn.legend(handles, labels, loc="outside lower center", ncols=columns, frameon=False)
    save(drawn, path)


def _joined(marked: Marked) -> dict[str, int]:
    """One name for each place, as several may fall together."""
    names: dict[int, list[str]] = {}
    for name, place in marked.items():
        names.setdefault(place, []).append(name)
    return {", ".join(each): place for place, each in names.items()}


def _style(number: int) -> dict[str, Any]:
    colour, mark = _MARKED[number % len(_MARKED)]
    return {"color": colour, "marker": mark}


# --- two and three objectives -------------------------------------------------------------------


def _draw_plane(
    objectives: Sequence[Described], front: Array, others: Array, marked: Marked, title: str
) -> Any:
    drawn = figure(title, 8, 5.5)
    _draw_pair(drawn.subplots(), objectives, (1, 0), front, others, marked, line=True)
    return drawn


def _draw_space(
    objectives: Sequence[Described], front: Array, others: Array, marked: Marked, title: str
) -> Any:
    """The space at the upper left, then what is seen along each of its axes."""
    drawn = figure(title, 11.5, 9)
    space = drawn.add_subplot(2, 2, 1, projection="3d")
    _draw_cube(space, objectives, front, marked)
    for number, (y, x) in enumerate(combinations(range(3), 2), 2):
        axis = drawn.add_subplot(2, 2, number)
        _draw_pair(axis, objectives, (x, y), front, others, marked, line=False)
    return drawn


def _draw_pair(
    axis: Any,
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
        axis.plot(others[:, x], others[:, y], ".", color=_OTHERS, markersize=4, label="evaluated")
    if line:
        order = np.argsort(front[:, x])
        # Between two solutions, only the one with less of what costs can be had.
        where = "pre" if objectives[x].maximise else "post"
        axis.step(front[order, x], front[order, y], where=where, color=COLOURS[0], linewidth=0.8)
    axis.plot(front[:, x], front[:, y], "o", color=COLOURS[0], markersize=4.5, label="front")
    for number, (name, place) in enumerate(marked.items()):
        axis.plot(front[place, x], front[place, y], label=name, **_mark(number))
    axis.set_xlabel(axis_label(objectives[x]))
    axis.set_ylabel(axis_label(objectives[y]))
    own_numbers(axis.xaxis, axis.yaxis)
    plain(axis)


def _mark(number: int) -> dict[str, Any]:
    return _style(number) | {
        "linestyle": "",
        "markersize": 15 if number == 0 else 10,
        "markeredgecolor": "white",
        "zorder": 5,
    }


def _draw_cube(axis: Any, objectives: Sequence[Described], front: Array, marked: Marked) -> None:
    # What is pointed out is drawn over everything, also where it lies behind.
    axis.computed_zorder = False
    axis.scatter(*front[:, ::-1].T, color=COLOURS[0], s=14, depthshade=False, zorder=2)
    for number, place in enumerate(marked.values()):
        axis.plot(*front[place : place + 1, ::-1].T, **_mark(number))
    axis.set_xlabel(label(objectives[2]), labelpad=6)
    axis.set_ylabel(label(objectives[1]), labelpad=9)
    axis.set_zlabel(label(objectives[0]), labelpad=6)
    own_numbers(axis.xaxis, axis.yaxis, axis.zaxis)
    axis.tick_params(labelsize="small")
    axis.set_box_aspect((1.2, 1.2, 1), zoom=1.05)
    axis.view_init(elev=24, azim=-50)


# --- more objectives ----------------------------------------------------------------------------


def _draw_parallel(
    objectives: Sequence[Described], front: Array, _: Array, marked: Marked, title: str
) -> Any:
    """A line a solution, across an axis an objective; the better, the higher."""
    drawn = figure(title, max(8.0, 1.35 * len(objectives)), 6)
    axis = drawn.subplots()
    heights = _heights(objectives, front)
    across = np.arange(len(objectives))
    _draw_lines(axis, heights, f"front ({len(front)}), coloured by {objectives[0].name}")
    for number, (name, place) in enumerate(marked.items()):
        axis.plot(across, heights[place], label=name, linewidth=3, **_bold(number))
    for place, objective in enumerate(objectives):
        _draw_scale(axis, place, objective, front[:, place])
    axis.set_xticks(across, [_stacked(each) for each in objectives], fontsize="small")
    axis.set_xlim(-0.5, len(objectives) - 0.4)
    axis.set_ylim(-0.04, 1.04)
    axis.set_yticks([0, 1], ["worst on\nthe front", "best on\nthe front"], fontsize="small")
    axis.spines[:].set_visible(False)
    axis.tick_params(length=0)
    return drawn


def _heights(objectives: Sequence[Described], front: Array) -> Array:
    """Every objective from 0, the worst on the front, to 1, the best; all equal ones between."""
    signs = np.array([1.0 if each.maximise else -1.0 for each in objectives])
    values = signs * front
    ranges = np.ptp(values, axis=0)
    return np.where(ranges > 0, (values - values.min(0)) / np.where(ranges > 0, ranges, 1), 0.5)


def _draw_lines(axis: Any, heights: Array, name: str) -> None:
    """Thin lines, coloured by the first objective so that they can be followed."""
    from matplotlib import colormaps
    from matplotlib.collections import LineCollection

    lines = [list(enumerate(row)) for row in heights]
    alpha = float(np.clip(60 / len(lines), 0.08, 0.8))
    # The brightest colours are hardly seen on white.
    colours = colormaps["viridis"](0.92 * heights[:, 0])
    axis.add_collection(LineCollection(lines, colors=colours, linewidths=1, alpha=alpha))
    axis.plot([], [], color=colormaps["viridis"](0.5), label=name)


def _bold(number: int) -> dict[str, Any]:
    from matplotlib.patheffects import Normal, Stroke

    outline = [Stroke(linewidth=5, foreground="white"), Normal()]
    return _style(number) | {"markersize": 9, "zorder": 5, "path_effects": outline}


def _draw_scale(axis: Any, place: int, objective: Described, values: Array) -> None:
    """An axis with five numbers in the objective's own unit, or the only one."""
    axis.axvline(place, color="#555555", linewidth=0.8, zorder=3)
    worst, best = sorted((values.min(), values.max()), reverse=not objective.maximise)
    shares = np.linspace(0, 1, 5) if worst != best else np.array([0.5])
    for share in shares:
        axis.text(
            place + 0.09,
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
