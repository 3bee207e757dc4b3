"""A comparison of searches as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from search.pictures.drawing import figure, look, plain, save
from search.runs.comparison import Comparison


def plot_comparison(comparison: Comparison, title: str, path: Path) -> None:
    """Write the fronts of the first seed, and what is missing at each budget, as PNG.

    Raises:
        NasprofError: the file cannot be written.
    """
    drawn = figure(title, 12, 5)
    left, right = drawn.subplots(1, 2)
    _draw_fronts(left, comparison)
    _draw_shortfalls(right, comparison)
    for axis in (left, right):
        _in_milliseconds(axis)
        plain(axis)
    left.set_xlim(right=1.05 * comparison.best_front[1][-1, 1])
    handles, labels = left.get_legend_handles_labels()
    columns = min(len(labels), 9)
    drawn.legend(handles, labels, loc="outside lower center", ncols=columns, frameon=False)
    save(drawn, path)


def _in_milliseconds(axis: Any) -> None:
    """A logarithmic axis with times as people write them."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_xscale("log")
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7)))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.xaxis.set_minor_formatter(NullFormatter())


def _draw_fronts(axis: Any, comparison: Comparison) -> None:
    known = comparison.best_front[1]
    axis.plot(known[:, 1], -known[:, 0], color="black", linewidth=1, label="best known")
    for number, (name, attempts) in enumerate(comparison.attempts.items()):
        front = attempts[0].front
        style = look(number) | {"linestyle": ""}
        axis.plot(front[:, 1], -front[:, 0], markersize=3.5, label=name, **style)
    axis.set_xlabel("predicted latency in ms")
    axis.set_ylabel("predicted top-1 in %")
    axis.set_title("fronts, first seed", loc="left", fontsize="medium")


def _draw_shortfalls(axis: Any, comparison: Comparison) -> None:
    """The mean over seeds that met a budget, from the best to the worst of them as a bar."""
    for number, name in enumerate(comparison.attempts):
        missing = comparison.shortfall(name)
        met = np.isfinite(missing)
        places = [place for place in range(missing.shape[1]) if met[:, place].any()]
        points = [missing[met[:, place], place] for place in places]
        means = np.array([each.mean() for each in points])
        ends = np.array([[each.min() for each in points], [each.max() for each in points]])
        reach = np.abs(ends - means) if points else None
        budgets_ms = [comparison.budgets_ms[place] for place in places]
        axis.errorbar(
            budgets_ms, means, reach, markersize=5, capsize=2, linewidth=1, **look(number)
        )
    axis.set_xlabel("budget in ms")
    axis.set_ylabel("points below the best known")
    axis.set_ylim(bottom=0)
    axis.set_title("shortfall in top-1, mean and range over seeds", loc="left", fontsize="medium")
