"""Pictures of POMONAG's benchmarks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
import numpy as np
from predictors_picture import COLOURS

matplotlib.use("Agg")
from matplotlib import pyplot


def draw_phases(shown: Mapping[str, Mapping[str, Sequence[np.ndarray]]], path: Path) -> None:
    """A row a training, a column a guide: the efficient batch and the accurate one.

    Args:
        shown: by training and guide, values of both batches ``(n, n_objectives)``.
    """
    columns = max(len(guides) for guides in shown.values())
    figure, axes = pyplot.subplots(
        len(shown),
        columns,
        figsize=(2.6 * columns, 2.6 * len(shown)),
        layout="constrained",
        squeeze=False,
        sharex="row",
        sharey="row",
    )
    for row, (training, guides) in zip(axes, shown.items(), strict=True):
        for axis, (guide, batches) in zip(row, guides.items(), strict=False):
            for colour, values in zip(COLOURS, batches, strict=False):
                axis.plot(values[:, 1], -values[:, 0], ".", color=colour, markersize=3, alpha=0.6)
            axis.set_title(guide, loc="left", fontsize="small")
            axis.set_xscale("log")
            axis.grid(alpha=0.25)
            axis.spines[["top", "right"]].set_visible(False)
        row[0].set_ylabel(f"{training}\ntop-1 in %", fontsize="small")
    for axis in axes[-1]:
        axis.set_xlabel("ms", fontsize="small")
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def draw_searches(
    curves: Mapping[str, Mapping[str, Sequence[Sequence[float]]]], counts: Sequence[int], path: Path
) -> None:
    """A panel a problem: what is missing to the whole hypervolume by evaluations, a line an engine.

    Args:
        curves: by problem and engine, a list of shares for each seed.
        counts: of evaluations.
    """
    figure, axes = pyplot.subplots(
        1, len(curves), figsize=(4.6 * len(curves), 4), layout="constrained", squeeze=False
    )
    for axis, (problem, engines) in zip(axes[0], curves.items(), strict=True):
        for colour, (engine, runs) in zip(COLOURS, engines.items(), strict=False):
            missing = 1 - np.array(runs, np.float64)
            axis.plot(counts, missing.T, color=colour, linewidth=0.6, alpha=0.5)
            axis.plot(counts, missing.mean(0), color=colour, linewidth=2, label=engine)
        axis.set_title(problem, loc="left", fontsize="medium")
        axis.set_xlabel("evaluations")
        axis.set_yscale("log")
        axis.grid(alpha=0.25)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0, 0].set_ylabel("share of the hypervolume that is missing")
    axes[0, 0].legend(frameon=False)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
