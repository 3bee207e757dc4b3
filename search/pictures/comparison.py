"""A comparison of searches as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nasprof.figures import new_figure, save_figure
from search.pictures.drawing import look, plain
from search.runs.comparison import Comparison

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_comparison(comparison: Comparison, path: Path) -> None:
    """Write the fronts of the first seed, and what is missing at each budget, as PNG.

    Raises:
        NasprofError: the file cannot be written.
    """
    figure = new_figure(comparison.title, 12, 5)
    left, right = figure.subplots(1, 2)
    _draw_fronts(left, comparison)
    _draw_shortfalls(right, comparison)
    for axes in (left, right):
        _in_milliseconds(axes)
        plain(axes)
    left.set_xlim(right=1.05 * comparison.best_front[1][-1, 1])
    handles, labels = left.get_legend_handles_labels()
    columns = min(len(labels), 9)
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, frameon=False)
    save_figure(figure, path)


def _in_milliseconds(axes: Axes) -> None:
    """A logarithmic axis with times as people write them."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _draw_fronts(axes: Axes, comparison: Comparison) -> None:
    known = comparison.best_front[1]
    axes.plot(known[:, 1], -known[:, 0], color="black", linewidth=1, label="best known")
    for number, (name, attempts) in enumerate(comparison.attempts.items()):
        front = attempts[0].front
        style = look(number) | {"linestyle": ""}
        axes.plot(front[:, 1], -front[:, 0], markersize=3.5, label=name, **style)
    axes.set_xlabel("predicted latency in ms")
    axes.set_ylabel("predicted top-1 in %")
    axes.set_title("fronts, first seed", loc="left", fontsize="medium")


def _draw_shortfalls(axes: Axes, comparison: Comparison) -> None:
    """The mean over seeds that met a budget, from the best to the worst of them as a bar."""
    for number, name in enumerate(comparison.attempts):
        missing = comparison.shortfall(name)
        met = np.isfinite(missing)
        columns = [column for column in range(missing.shape[1]) if met[:, column].any()]
        points = [missing[met[:, column], column] for column in columns]
        means = np.array([values.mean() for values in points])
        ends = np.array([[values.min() for values in points], [values.max() for values in points]])
        reach = np.abs(ends - means) if points else None
        budgets_ms = [comparison.budgets_ms[column] for column in columns]
        axes.errorbar(
            budgets_ms, means, reach, markersize=5, capsize=2, linewidth=1, **look(number)
        )
    axes.set_xlabel("budget in ms")
    axes.set_ylabel("points below the best known")
    axes.set_ylim(bottom=0)
    axes.set_title("shortfall in top-1, mean and range over seeds", loc="left", fontsize="medium")
