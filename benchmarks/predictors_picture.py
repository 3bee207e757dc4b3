"""Learning curves of predictors as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

matplotlib.use("Agg")
from matplotlib import pyplot

# Okabe and Ito's palette, which the colour-blind can tell apart, and marks for print.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#8C8C3F", "#555555")
MARKS = "osD^vPX*<>"
_LEGEND_INCHES = 1.3
"""What an entry of a legend takes at most."""
RANKS = (0.0, 0.3, 0.5, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999)


def draw_curves(
    curves: Mapping[str, Mapping[str, Mapping[str, Any]]], sizes: Sequence[int], path: Path
) -> None:
    """A column a target: Spearman above, error below, a line a predictor; bands of one standard
    error.

    Args:
        curves: by target, predictor and size: mean and standard error of each number.
    """
    shape = (4.2 * len(curves), 8)
    figure, axes = pyplot.subplots(2, len(curves), figsize=shape, layout="constrained", sharex=True)
    for column, (target, kinds) in enumerate(curves.items()):
        for number, (kind, curve) in enumerate(kinds.items()):
            look = {
                "color": COLOURS[number % len(COLOURS)],
                "marker": MARKS[number],
                "linestyle": "-" if number < len(COLOURS) else "--",
            }
            for row, field in enumerate(("spearman", "mape")):
                means, errors = np.array([curve[str(size)][field] for size in sizes]).T
                # What is missing to a perfect rank, or an error in percent.
                shown = (1 - means, errors) if row == 0 else (100 * means, 100 * errors)
                _line(axes[row, column], sizes, *shown, label=kind, **look)
        axes[0, column].set_title(target, loc="left", fontsize="medium")
        _in_ranks(axes[0, column])
        _in_percent(axes[1, column])
        axes[1, column].set_xlabel("networks fitted to")
        _in_sizes(axes[1, column], sizes)
    axes[0, 0].set_ylabel("Spearman")
    axes[1, 0].set_ylabel("mean absolute error in %")
    save_with_legend(figure, axes[0, 0], path)


def save_with_legend(figure: Any, axis: Any, path: Path) -> None:
    """Write a figure with what is drawn on one of its axes as a legend below."""
    handles, labels = axis.get_legend_handles_labels()
    columns = min(len(labels), max(1, int(figure.get_figwidth() / _LEGEND_INCHES)))
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, frameon=False)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
    print(f"Written to {path}")


def _line(
    axis: Any, sizes: Sequence[int], means: np.ndarray, errors: np.ndarray, **look: Any
) -> None:
    axis.plot(sizes, means, linewidth=1, markersize=4, **look)
    low = np.maximum(means - errors, 0.5 * means)
    axis.fill_between(sizes, low, means + errors, color=look["color"], alpha=0.2, lw=0)


def _in_ranks(axis: Any) -> None:
    """From the worst rank correlation below to the best above, spread out towards 1."""
    axis.set_yscale("log")
    axis.invert_yaxis()
    axis.yaxis.set_major_locator(FixedLocator([1 - rank for rank in RANKS]))
    axis.yaxis.set_minor_locator(NullLocator())
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{1 - value:g}"))
    _plain(axis)


def _in_percent(axis: Any) -> None:
    axis.set_yscale("log")
    axis.yaxis.set_major_locator(
        FixedLocator([step * 10.0**power for power in range(-3, 3) for step in (1, 2, 3, 5, 7)])
    )
    axis.yaxis.set_minor_locator(NullLocator())
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    _plain(axis)


def _in_sizes(axis: Any, sizes: Sequence[int]) -> None:
    axis.set_xscale("log")
    axis.xaxis.set_major_locator(FixedLocator(list(sizes)))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.xaxis.set_minor_formatter(NullFormatter())


def _plain(axis: Any) -> None:
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(alpha=0.25)
