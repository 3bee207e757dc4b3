"""``nassearch compare``: engines beside each other and the best that is known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nasprof.cli import json_option, print_json, say, show_table
from profiler.commands.options import Milliseconds
from search.commands.options import Asked, confidence_option, trade_off_options

if TYPE_CHECKING:
    from luts import Bound
    from nasprof.typing import Array
    from search.answers.deployment import Deployment
    from search.objectives.trade_off import TradeOff
    from search.runs.comparison import Comparison, Entrant

_PNAG = "pnag"


@click.command()
@click.option(
    "--engines",
    "names",
    default="local,evo,nas-mo,random,nsga2",
    show_default=True,
    help="Which to compare, separated by commas; pnag is the trained generator.",
)
@trade_off_options
@click.option(
    "--budget",
    "budgets_ms",
    type=Milliseconds(),
    multiple=True,
    help="Most that a network may take, any number of times; five over the front unless given.",
)
@confidence_option
@click.option(
    "--evals",
    "evaluations",
    type=click.IntRange(1),
    default=2000,
    show_default=True,
    help="Networks to evaluate for each budget.",
)
@click.option("--seeds", type=click.IntRange(1, 1000), default=3, show_default=True)
@click.option(
    "--best-known",
    "known_evaluations",
    type=click.IntRange(1000),
    default=100_000,
    show_default=True,
    help="Networks to evaluate for the front that all are measured against.",
)
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(path_type=Path),
    help="Folder to keep that front in, for the next comparison.",
)
@click.option("--plot", type=click.Path(path_type=Path), help="Fronts and shortfalls, as PNG.")
@json_option
def compare(
    names: str,
    asked: Asked,
    budgets_ms: tuple[float, ...],
    confidence: float,
    evaluations: int,
    seeds: int,
    known_evaluations: int,
    folder: Path | None,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Compare engines: what each finds with the same number of evaluations.

    Engines that search whole fronts get the evaluations of all budgets together. What training
    evaluated is not counted for pnag, but told.
    """
    from profiler.commands.progress import step_bar
    from search.engines import engines
    from search.runs.comparison import compare, known_front

    chosen = list(dict.fromkeys(names.split(",")))
    for name in chosen:
        if name != _PNAG:
            engines.get(name)
    site = asked.site()
    trade_off = site.trade_off
    for budget_ms in budgets_ms:
        trade_off.problem(budget_ms, confidence)
    entrants = {name: _entrant(site, name, confidence) for name in chosen}
    path = None if folder is None else folder / "best-known.jsonl"
    with step_bar("best-known front") as progress:
        known = known_front(trade_off, known_evaluations, path, progress)
    limits_ms = sorted(set(budgets_ms)) or _spread(known[1], trade_off.bound(confidence))
    with step_bar("searches") as progress:
        comparison = compare(
            trade_off,
            entrants,
            limits_ms,
            known,
            confidence=confidence,
            evaluations=evaluations,
            seeds=seeds,
            progress=progress,
        )
    if as_json:
        print_json(comparison.as_dict(trade_off))
    else:
        show_comparison(comparison, trade_off)
    if plot is not None:
        from search.pictures.comparison import plot_comparison

        plot_comparison(comparison, _title(trade_off), plot)
        say(f"Plotted to {plot}")


def _entrant(site: Deployment, name: str, confidence: float) -> Entrant:
    """An engine, or the generator for the models, which is trained if need be."""
    if name != _PNAG:
        from search.runs.comparison import entrant

        return entrant(site.trade_off, name, confidence)
    from search.commands.progress import training_progress
    from search.pnag.entrant import entrant as pnag
    from search.pnag.stored import ready_generator

    with training_progress() as progress:
        generator = ready_generator(site.trade_off, progress=progress)
    made = generator.provenance.get("evaluations", "an unknown number of")
    say(f"{_PNAG} was trained once with {made} evaluations, which are not counted")
    return pnag(site.trade_off, generator, confidence)


_SPREAD = (0.1, 0.3, 0.5, 0.7, 0.9)


def _spread(front: Array, bound: Bound) -> list[float]:
    """Budgets in ms at equal ratios over the upper bounds of a front ``(n, 2)``."""
    low, high = bound.upper(front[[0, -1], 1]).tolist()
    return [float(f"{low * (high / low) ** share:.3g}") for share in _SPREAD]


def _title(trade_off: TradeOff) -> str:
    return f"{trade_off.space.label}: {trade_off.accuracy.name}, {trade_off.cost.name}"


def show_comparison(comparison: Comparison, trade_off: TradeOff) -> None:
    """Print a row an engine, means over seeds: points below the best known, share of the front."""
    known = [f"{value:.2f}" for value in comparison.best_top1]
    rows = [["best known", *known, "1", ""]]
    for name, attempts in comparison.attempts.items():
        missing = [_mean_text(column) for column in comparison.shortfall(name).T]
        share = sum(each.share for each in attempts) / len(attempts)
        cpu_s = sum(each.cpu_s for each in attempts) / len(attempts)
        rows.append([name, *missing, f"{share:.4f}", f"{cpu_s:.1f}"])
    budgets = [f">{budget_ms:.4g} ms" for budget_ms in comparison.budgets_ms]
    notes = [
        "best known: top-1 in % within each budget; below it, how far engines fall short of it",
        "share: of the best-known front's hypervolume",
        f"means over {len(attempts)} seeds; *n: as many of them met the budget never",
    ]
    show_table(("engine", *budgets, ">share", ">CPU s"), rows, _title(trade_off), notes)


def _mean_text(missing: object) -> str:
    import numpy as np

    points = np.asarray(missing, np.float64)
    met = np.isfinite(points)
    if not met.any():
        return "none met"
    mean = f"{-points[met].mean():+.2f}".replace("+0.00", "0.00").replace("-0.00", "0.00")
    return mean if met.all() else f"{mean}*{(~met).sum()}"
