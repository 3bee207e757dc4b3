"""A comparison of searches as a picture."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from nasprof.files import write_atomic
from search.runs.comparison import Comparison

# Okabe and Ito's palette, which the colour-blind can tell apart, and marks for print.
_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#8C8C3F", "#555555")
_MARKS = "osD^vPX*"


def plot_comparison(comparison: Comparison, title: str, path: Path) -> None:
    """Write the fronts of the first seed, and what is missing at each budget, as PNG.

    Raises:
        NasprofError: the file cannot be written.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure = pyplot.figure(figsize=(12, 5), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", fontsize="large")
    left, right = figure.subplots(1, 2)
    _draw_fronts(left, comparison)
    _draw_shortfalls(right, comparison)
    for axis in (left, right):
        _in_milliseconds(axis)
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(alpha=0.25)
    left.set_xlim(right=1.05 * comparison.best_front[1][-1, 1])
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=130)
    pyplot.close(figure)
    write_atomic(path, buffer.getvalue())


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
        look = {"color": _COLOURS[number % 8], "marker": _MARKS[number % 8]}
        axis.plot(front[:, 1], -front[:, 0], linestyle="", markersize=3.5, label=name, **look)
    axis.set_xlabel("predicted latency in ms")
    axis.set_ylabel("predicted top-1 in %")
    axis.set_title("fronts, first seed", loc="left", fontsize="medium")


def _draw_shortfalls(axis: Any, comparison: Comparison) -> None:
    """The mean over seeds that met a budget, from the best to the worst of them as a bar."""
    for number, name in enumerate(comparison.attempts):
        missing = comparison.shortfall(name)
        met = np.isfinite(missing)
        look = {"color": _COLOURS[number % 8], "marker": _MARKS[number % 8]}
        places = [place for place in range(missing.shape[1]) if met[:, place].any()]
        points = [missing[met[:, place], place] for place in places]
        means = np.array([each.mean() for each in points])
        ends = np.array([[each.min() for each in points], [each.max() for each in points]])
        reach = np.abs(ends - means) if points else None
        budgets_ms = [comparison.budgets_ms[place] for place in places]
        axis.errorbar(budgets_ms, means, reach, markersize=5, capsize=2, linewidth=1, **look)
    axis.set_xlabel("budget in ms")
    axis.set_ylabel("points below the best known")
    axis.set_ylim(bottom=0)
    axis.set_title("shortfall in top-1, mean and range over seeds", loc="left", fontsize="medium")
