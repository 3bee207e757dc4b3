"""Pictures of trained generators: their fronts, and the latencies they sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from platforms import front_of

matplotlib.use("Agg")
from matplotlib import pyplot

# Okabe and Ito's palette, which the colour-blind can tell apart.
BLACK, ORANGE, BLUE = "#000000", "#E69F00", "#0072B2"
HUES = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00")


def draw_fronts(fronts: Mapping[str, Mapping[str, np.ndarray]], path: Path) -> None:
    """A panel a platform: the best known as a line, others as marks on it.

    Args:
        fronts: objectives ``(n, 2)`` of the ``best known``, the ``policy`` and the ``answers``.
    """
    figure, axes = pyplot.subplots(2, 2, figsize=(12, 8.4), layout="constrained")
    for axis, (name, found) in zip(axes.flat, fronts.items(), strict=True):
        known = found["best known"]
        look = {"color": BLACK, "linewidth": 0.9, "where": "post", "zorder": 3}
        axis.step(known[:, 1], -known[:, 0], label="best known", **look)
        policy, answers = front_of(found["policy"]), front_of(found["answers"])
        look = {"linestyle": "", "markersize": 5.5, "markerfacecolor": "none"}
        label = "policy samples alone"
        axis.plot(policy[:, 1], -policy[:, 0], marker="o", color=ORANGE, label=label, **look)
        label = "answers (with elites and polish)"
        look |= {"markersize": 3}
        axis.plot(answers[:, 1], -answers[:, 0], marker="D", color=BLUE, label=label, **look)
        axis.set_title(name, loc="left", fontsize="medium")
        axis.set_xlim(0.97 * known[0, 1], 1.03 * known[-1, 1])
        axis.set_ylim(-known[0, 0] - 0.2, -known[-1, 0] + 0.2)
        axis.set_ylabel("predicted top-1 in %")
        _in_milliseconds(axis)
        _plain(axis)
    handles, labels = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    _save(figure, path)


def draw_histograms(
    latencies_ms: Mapping[str, np.ndarray], budgets_ms: Mapping[str, Sequence[float]], path: Path
) -> None:
    """A panel a platform: latencies sampled for each budget, the budgets as lines.

    Args:
        latencies_ms: ``(n_budgets, n)``.
        budgets_ms: ``(n_budgets,)``.
    """
    size = (12, 3.7 * len(latencies_ms))
    figure, axes = pyplot.subplots(len(latencies_ms), 1, figsize=size, layout="constrained")
    for axis, name in zip(axes, latencies_ms, strict=True):
        samples, limits = latencies_ms[name], np.array(budgets_ms[name])
        bins = np.linspace(samples.min(), max(samples.max(), limits.max()), 161)
        for drawn, limit, hue in zip(samples, limits, HUES, strict=True):
            within = (drawn <= limit).mean()
            label = f"{limit:.1f} ms: {100 * within:.1f} % within"
            axis.hist(drawn, bins, color=hue, alpha=0.75, label=label)
            axis.axvline(limit, color=hue, linestyle="--", linewidth=1.5)
        axis.set_title(f"{name} (budgets dashed)", loc="left", fontsize="medium")
        axis.set_xlabel("predicted latency in ms")
        axis.set_ylabel(f"of {samples.shape[1]:,} raw samples")
        axis.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False, title="budget")
        _plain(axis)
    _save(figure, path)


def _in_milliseconds(axis: Any) -> None:
    """A logarithmic axis with times as people write them."""
    axis.set_xscale("log")
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 2.5, 3, 4, 5, 7)))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.set_xlabel("predicted latency in ms")


def _plain(axis: Any) -> None:
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(alpha=0.25)


def _save(figure: Any, path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=130)
    pyplot.close(figure)
    print(f"Written to {path}")
