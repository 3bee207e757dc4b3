"""Fronts that are searched for one device, or for MACs, and priced on another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from common import report
from engine_problems import DEVICES, budgets, engine_for, evaluated_by, problem_of, shares
from jobs import Job, results

from search.objectives.computed import Macs
from search.problem import Problem
from search.quality.indicators import non_dominated

SEEDS = range(5)
EVALUATIONS = 350
CPUS = ("cpu-onnxruntime", "cpu-litert")
MACS = "macs"


@dataclass(frozen=True)
class Searched(Job):
    """LINAS for the devices in ``targets``, after a search for one of them or for MACs."""

    source: str = ""
    targets: tuple[str, ...] = ()

    def run(self) -> dict[str, Any]:
        problem = problem_of(self.targets[0] if self.source == MACS else self.source)
        if self.source == MACS:
            problem = _on_macs(problem)
        engine = engine_for("linas", problem, self.seed)
        genes, values = evaluated_by(engine, problem, EVALUATIONS)
        front = genes[non_dominated(values)]
        return {
            target: _priced(target, problem_of(target).values(front)) for target in self.targets
        }


def _priced(target: str, values: np.ndarray) -> dict[str, Any]:
    """What a front is worth on a device: its share, and the best top-1 within budgets there."""
    top1 = [-values[values[:, 1] <= limit, 0].min(initial=np.inf) for limit in budgets(target)]
    return {
        "share": shares(target, values, [len(values)])[0],
        "top1": [each if np.isfinite(each) else None for each in top1],
    }


def _on_macs(problem: Problem) -> Problem:
    top1, _ = problem.objectives
    return replace(
        problem, objectives=(top1, replace(Macs(MACS).objective(problem.space), free=False))
    )


def travel(processes: int) -> None:
    """Shares of the target's front by fronts searched elsewhere."""
    groups = {group: [*group, MACS] for group in (DEVICES, CPUS)}
    jobs = {
        (group, source): [Searched("travel", seed, source, group) for seed in SEEDS]
        for group, sources in groups.items()
        for source in sources
    }
    results([job for each in jobs.values() for job in each], processes)
    rows, facts = [], []
    for (group, source), own in jobs.items():
        found = results(own, processes)
        for target in group:
            told = [each[target] for each in found]
            facts.append({"source": source, "target": target, "seeds": told})
            share = np.array([each["share"] for each in told])
            error = share.std(ddof=1) / np.sqrt(len(share))
            best = [_mean(column) for column in zip(*(each["top1"] for each in told), strict=True)]
            rows.append((source, target, f"{share.mean():.4f} ± {error:.4f}", *best))
    limits = {target: budgets(target) for group in groups for target in group}
    columns = ("searched for", "priced on", "share", *(f"budget {n}" for n in range(1, 6)))
    report("engines_travel", columns, rows, budgets_ms=limits, results=facts)


def _mean(top1: tuple[float | None, ...]) -> str:
    """Mean top-1 over seeds; how many found nothing."""
    known = [each for each in top1 if each is not None]
    missing = "" if len(known) == len(top1) else f" ({len(known)} of {len(top1)})"
    return f"{np.mean(known):.2f}{missing}" if known else "none"
