"""Curves of several searches over their evaluations, as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nasprof.figures import new_figure, save_figure
from nasprof.typing import Array, Indices
from search.pictures.drawing import Style, look, own_numbers, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MARKED = 6
"""Marks along a curve."""


def plot_curves(
    curves: Mapping[str, Array], counts: Sequence[int], ylabel: str, title: str, path: Path
) -> None:
    """Write the mean of each entry over its seeds, with a band of one standard error, as PNG.

    Args:
        curves: by name, ``(n_seeds, n_counts)``; nan where a seed has no value.
        counts: evaluations, along a logarithmic axes.

    Raises:
        NasprofError: the file cannot be written.
    """
    figure = new_figure(title, 9.5, max(5.0, 1.0 + 0.27 * len(curves)))
    axes = figure.subplots()
    for number, (name, curve) in enumerate(curves.items()):
        _draw(axes, np.array(counts), curve, {"label": name, **look(number)}, number)
    plain(axes)
    axes.set_xscale("log")
    own_numbers(axes.xaxis, axes.yaxis)
    _few_numbers(axes)
    axes.set_xlabel("evaluations")
    axes.set_ylabel(ylabel)
    handles, labels = axes.get_legend_handles_labels()
    order = _best_first(list(curves.values()))
    figure.legend(
        [handles[number] for number in order],
        [labels[number] for number in order],
        loc="outside right center",
        frameon=False,
        handlelength=3.5,
    )
    save_figure(figure, path)


def _draw(axes: Axes, counts: Indices, curve: Array, style: Style, number: int) -> None:
    """A curve with its band; marks of neighbours are set apart."""
    mean, error = mean_and_error(curve)
    known = np.isfinite(mean)
    step = max(1, int(known.sum()) // _MARKED)
    axes.plot(
        counts[known],
        mean[known],
        linewidth=1.6,
        markersize=5,
        markevery=(number % step, step),
        **style,
    )
    low, high = (mean - error)[known], (mean + error)[known]
    axes.fill_between(counts[known], low, high, color=style["color"], alpha=0.15, linewidth=0)


def mean_and_error(curve: Array) -> tuple[Array, Array]:
    """Mean and standard error over the seeds that have a value, each ``(n_counts,)``.

    The mean is nan where no seed has one, the error 0 where fewer than two have.
    """
    known = np.isfinite(curve)
    seeds = known.sum(0)
    some = np.maximum(seeds, 1)
    mean = np.where(known, curve, 0).sum(0) / some
    squares = (np.where(known, curve - mean, 0) ** 2).sum(0)
    error = np.sqrt(squares / np.maximum(seeds - 1, 1) / some)
    return np.where(seeds > 0, mean, np.nan), error


def _few_numbers(axes: Axes) -> None:
    """Numbers at 1, 2 and 5 along the logarithmic axis, as far as there is room."""
    from matplotlib.ticker import LogLocator, NullFormatter

    low, high = axes.get_xlim()
    subs = (1, 2, 5) if high < 1e4 * low else (1,)
    axes.xaxis.set_major_locator(LogLocator(subs=subs))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _best_first(curves: Sequence[Array]) -> list[int]:
    """Curves in order of where they end, as they lie above each other."""
    ends = [_end(mean_and_error(curve)[0]) for curve in curves]
    return sorted(range(len(curves)), key=lambda number: -ends[number])


def _end(mean: Array) -> float:
    known = mean[np.isfinite(mean)]
    return float(known[-1]) if len(known) else -np.inf
