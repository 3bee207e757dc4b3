"""Comparisons of engines as tables."""

from __future__ import annotations

import numpy as np

from nasprof.cli import show_table
from nasprof.typing import Array
from search.runs.comparison import Comparison


def show_comparison(comparison: Comparison) -> None:
    """Print a row an engine, means over seeds: points below the best known, share of the front."""
    known = [f"{value:.2f}" for value in comparison.best_top1]
    rows = [["best known", *known, "1", ""]]
    for name, attempts in comparison.attempts.items():
        missing = [_mean_text(column) for column in comparison.shortfall(name).T]
        share = sum(attempt.share for attempt in attempts) / len(attempts)
        cpu_s = sum(attempt.cpu_s for attempt in attempts) / len(attempts)
        rows.append([name, *missing, f"{share:.4f}", f"{cpu_s:.1f}"])
    budgets = [f">{budget_ms:.4g} ms" for budget_ms in comparison.budgets_ms]
    notes = [
        "best known: top-1 in % within each budget; below it, how far engines fall short of it",
        "share: of the best-known front's hypervolume",
        f"means over {len(attempts)} seeds; *n: as many of them met the budget never",
    ]
    show_table(("engine", *budgets, ">share", ">CPU s"), rows, comparison.title, notes)


def _mean_text(points: Array) -> str:
    """The mean of those that met the budget, and how many did not: ``(n_seeds,)``."""
    met = np.isfinite(points)
    if not met.any():
        return "none met"
    mean = f"{-points[met].mean():+.2f}".replace("+0.00", "0.00").replace("-0.00", "0.00")
    return mean if met.all() else f"{mean}*{(~met).sum()}"
