"""Curves of several searches over their evaluations, as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasprof.typing import Array
from search.pictures.drawing import figure, look, own_numbers, plain, save

_MARKED = 6
"""Marks along a curve."""


def plot_curves(
    curves: Mapping[str, Array], counts: Sequence[int], ylabel: str, title: str, path: Path
) -> None:
    """Write the mean of each entry over its seeds, with a band of one standard error, as PNG.

    Args:
        curves: by name, ``(n_seeds, n_counts)``; nan where a seed has no value.
        counts: evaluations, along a logarithmic axis.

    Raises:
        NasprofError: the file cannot be written.
    """
    drawn = figure(title, 9.5, max(5.0, 1.0 + 0.27 * len(curves)))
    axis = drawn.subplots()
    for number, (name, curve) in enumerate(curves.items()):
        _draw(axis, np.array(counts), curve, {"label": name, **look(number)}, number)
    plain(axis)
    axis.set_xscale("log")
    own_numbers(axis.xaxis, axis.yaxis)
    _few_numbers(axis)
    axis.set_xlabel("evaluations")
    axis.set_ylabel(ylabel)
    handles, labels = axis.get_legend_handles_labels()
    order = _best_first(list(curves.values()))
    drawn.legend(
        [handles[place] for place in order],
        [labels[place] for place in order],
        loc="outside right center",
        frameon=False,
        handlelength=3.5,
    )
    save(drawn, path)


def _draw(
    axis: Any, counts: NDArray[Any], curve: Array, style: Mapping[str, Any], place: int
) -> None:
    """A curve with its band; marks of neighbours are set apart."""
    mean, error = mean_and_error(curve)
    known = np.isfinite(mean)
    step = max(1, int(known.sum()) // _MARKED)
    axis.plot(
        counts[known],
        mean[known],
        linewidth=1.6,
        markersize=5,
        markevery=(place % step, step),
        **style,
    )
    low, high = (mean - error)[known], (mean + error)[known]
    axis.fill_between(counts[known], low, high, color=style["color"], alpha=0.15, linewidth=0)


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


def _few_numbers(axis: Any) -> None:
    """Numbers at 1, 2 and 5 along the logarithmic axis, as far as there is room."""
    from matplotlib.ticker import LogLocator, NullFormatter

    low, high = axis.get_xlim()
    subs = (1, 2, 5) if high < 1e4 * low else (1,)
    axis.xaxis.set_major_locator(LogLocator(subs=subs))
    axis.xaxis.set_minor_formatter(NullFormatter())


def _best_first(curves: Sequence[Array]) -> list[int]:
    """Curves in order of where they end, as they lie above each other."""
    ends = [_end(mean_and_error(each)[0]) for each in curves]
    return sorted(range(len(curves)), key=lambda place: -ends[place])


def _end(mean: Array) -> float:
    known = mean[np.isfinite(mean)]
    return float(known[-1]) if len(known) else -np.inf
