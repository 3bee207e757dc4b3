"""Fronts of transfers on test images as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from nat_table import at_budgets
from predictors_picture import COLOURS, save_with_legend

matplotlib.use("Agg")
from matplotlib import pyplot


def draw_fronts(
    transfers: Mapping[str, Sequence[Mapping[str, Any]]], ends: tuple[float, float], path: Path
) -> None:
    """A panel a data set: what a budget of MACs gets, by method, a thin line a seed and their mean.

    Args:
        transfers: by data set and method, ``"letters nat"``, a record a seed.
        ends: the fewest and the most MACs.
    """
    panels = list(dict.fromkeys(name.split()[0] for name in transfers))
    shape = (5.2 * len(panels), 4.6)
    figure, axes = pyplot.subplots(
        1, len(panels), figsize=shape, layout="constrained", squeeze=False
    )
    budgets = np.geomspace(ends[0] * 1.03, ends[1], 200)
    methods = list(dict.fromkeys(name.split()[1] for name in transfers))
    for axis, data in zip(axes[0], panels, strict=True):
        for number, method in enumerate(methods):
            records = transfers.get(f"{data} {method}", ())
            curves = [np.array(at_budgets(record, budgets), np.float64) for record in records]
            for curve in curves:
                axis.plot(budgets / 1e6, curve, color=COLOURS[number], linewidth=0.6, alpha=0.5)
            if curves:
                mean = np.mean(curves, 0)
                axis.plot(budgets / 1e6, mean, color=COLOURS[number], linewidth=2, label=method)
        axis.set_title(data, loc="left", fontsize="medium")
        axis.set_xscale("log")
        axis.set_xlabel("million MACs at most")
        axis.set_xticks([0.2, 0.5, 1, 2, 5], ["0.2", "0.5", "1", "2", "5"])
        axis.minorticks_off()
        axis.grid(alpha=0.25)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0, 0].set_ylabel("test top-1 in %")
    save_with_legend(figure, axes[0, 0], path)
