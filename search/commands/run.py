"""``nassearch run``: one engine on a trade-off."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nasprof.cli import json_option, print_json, say, show_table
from profiler.commands.options import Milliseconds
from search.commands.options import Asked, confidence_option, trade_off_options

if TYPE_CHECKING:
    from search.runs.archive import Archive
    from search.runs.trial import Trial


@click.command()
@click.option("--engine", "engine_name", required=True, help="local, exact, nsga2, evo, ...")
@trade_off_options
@click.option(
    "--budget",
    "budgets_ms",
    type=Milliseconds(),
    multiple=True,
    help="Most that a network may take; several times for several searches. Without it an "
    "engine that can searches the whole front.",
)
@confidence_option
@click.option(
    "--evals",
    "evaluations",
    type=click.IntRange(1),
    help="Networks to evaluate in each search: 5000 unless given; exact ends by itself.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(path_type=Path),
    help="Folder for everything evaluated; what it holds is gone on with.",
)
@click.option("--fresh", is_flag=True, help="Forget what the folder holds of these searches.")
@json_option
def run(
    engine_name: str,
    asked: Asked,
    budgets_ms: tuple[float, ...],
    confidence: float,
    evaluations: int | None,
    seed: int,
    folder: Path | None,
    fresh: bool,
    as_json: bool,
) -> None:
    """Search for accurate networks within budgets, by an engine of your choice.

    Interrupted, it shows what was found so far; with -o the same command goes on from there.
    """
    from profiler.progress import step_bar
    from search.engine import engines
    from search.runs.trial import Trial

    engines.get(engine_name)
    trial = Trial(asked.site().trade_off, engine_name, confidence, evaluations, seed, folder, fresh)
    archives: list[Archive] = []
    interrupted = False
    try:
        with step_bar("evaluating") as progress:
            trial.runs(budgets_ms, archives.append, progress)
    except KeyboardInterrupt:
        interrupted = True
        say("Interrupted; this is what was found so far.")
    found = _findings(trial, budgets_ms, archives)
    if as_json:
        print_json(found)
    else:
        _show(trial, found)
    if interrupted:
        click.get_current_context().exit(1)


def _findings(
    trial: Trial, budgets_ms: tuple[float, ...], archives: list[Archive]
) -> dict[str, Any]:
    from search.runs.indicators import hypervolume, non_dominated
    from search.runs.trial import reference, union

    problem = trial.trade_off.problem()
    genes, values = union(archives)
    chosen = non_dominated(values)
    corner = reference(trial.trade_off)
    archs = trial.trade_off.space.decode(genes[chosen])
    names = [each.name for each in problem.objectives]
    own = (problem.signs * values[chosen]).tolist()
    return {
        "engine": trial.engine,
        "evaluations": len(genes),
        "objectives": [
            {"name": each.name, "unit": each.unit, "maximise": each.maximise}
            for each in problem.objectives
        ],
        "reference": dict(zip(names, (problem.signs * corner).tolist(), strict=True)),
        "hypervolume": hypervolume(values, corner),
        "budgets": [_answer(trial, budget_ms, genes, values) for budget_ms in budgets_ms],
        "front": [
            {"arch": arch, "values": dict(zip(names, row, strict=True))}
            for arch, row in zip(archs, own, strict=True)
        ],
    }


def _answer(trial: Trial, budget_ms: float, genes: Any, values: Any) -> dict[str, Any]:
    """The best of everything evaluated within a budget; null where nothing is."""
    from search.runs.ranking import best

    place = best(values, trial.trade_off.problem(budget_ms, trial.confidence).worst)
    if place is None:
        return dict.fromkeys(("arch", "top1", "latency_ms", "upper_ms")) | {"budget_ms": budget_ms}
    latency_ms = float(values[place, 1])
    return {
        "budget_ms": budget_ms,
        "arch": trial.trade_off.space.decode(genes[place : place + 1])[0],
        "top1": -float(values[place, 0]),
        "latency_ms": latency_ms,
        "upper_ms": latency_ms * trial.trade_off.slack(trial.confidence),
    }


_SHOWN = 20


def _show(trial: Trial, found: dict[str, Any]) -> None:
    slack = trial.trade_off.slack(trial.confidence)
    columns = (">top-1 %", ">latency ms", ">at most", "architecture")
    models = f"{trial.trade_off.accuracy.name}, {trial.trade_off.cost.name}"
    title = f"{trial.engine}: {found['evaluations']} evaluated by {models}"
    if found["budgets"]:
        rows = [(f"{each['budget_ms']:.4g}", *_cells(each)) for each in found["budgets"]]
        show_table((">budget ms", *columns), rows, title)
        return
    front = found["front"]
    step = max(1, -(-len(front) // _SHOWN))
    rows = [_point(each, slack) for each in front[::-1][::step][::-1]]
    notes = [f"{len(rows)} of {len(front)} on the front; --json has all"] if step > 1 else []
    show_table(columns, rows, title, notes)


def _cells(answer: dict[str, Any]) -> tuple[str, ...]:
    from search.delivery.replies import brief_arch

    if answer["arch"] is None:
        return ("-", "-", "-", "none found within the budget")
    numbers = (f"{answer[name]:.2f}" for name in ("top1", "latency_ms", "upper_ms"))
    return (*numbers, brief_arch(answer["arch"]))


def _point(point: dict[str, Any], slack: float) -> tuple[str, ...]:
    top1, latency_ms = point["values"]["top1"], point["values"]["latency"]
    return _cells(
        {
            "arch": point["arch"],
            "top1": top1,
            "latency_ms": latency_ms,
            "upper_ms": latency_ms * slack,
        }
    )
