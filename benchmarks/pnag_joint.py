"""One training for all budgets beside searches for each, as a table."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from common import report
from jobs import Job, results
from platforms import best_known, best_within, platform, unseen_budgets
from pnag_jobs import (
    SAMPLES,
    Independent,
    Search,
    Training,
    answer_values,
    or_none,
    own_best,
    policy_values,
)
from pnag_trainings import ALONE, COMPARED, sampled, training

from search.pnag.settings import TrainingSettings

Found: TypeAlias = dict[str, tuple[int, list[list[float | None]]]]
"""Evaluations made in all, the most of any seed, and top-1 within each budget, a list a seed."""

BUDGETS = 5
JOINT = {
    "joint": {"refine": 0},
    "joint, reward only": ALONE,
    "joint, MnasNet's reward only": {"reward": "mnasnet", **ALONE},
}
LSTM = {
    "LSTM, MnasNet's reward only": {"reward": "mnasnet", "overshoot": 1.0, **ALONE},
    "LSTM, reward only": ALONE,
    "LSTM": {"refine": 0},
}


def joint(options: Namespace) -> None:
    """Table 3: one training, or a search for each budget, of as many architectures in all."""
    rows: list[list[str]] = []
    runs: dict[str, Found] = {}
    budgets = {name: tuple(unseen_budgets(name, BUDGETS)) for name in COMPARED}
    for name, budgets_ms in budgets.items():
        runs[name] = _joint(name, budgets_ms, options) | _independent(name, budgets_ms, options)
        known = best_within(best_known(name), budgets_ms)
        rows.append([name, "best known", *(f"{top1:.3f}" for top1 in known), "", ""])
        rows += [
            [name, label, *_cells(top1, known), f"{made:,}"]
            for label, (made, top1) in runs[name].items()
        ]
    limits = [
        " / ".join(f"{ms:.1f}" for ms in each) for each in zip(*budgets.values(), strict=True)
    ]
    columns = ["platform", "search", *(f"{limit} ms" for limit in limits), "short", "evaluations"]
    facts = {"budgets_ms": budgets, "sampled": sampled(options), "runs": runs}
    report("pnag_paper_joint", columns, rows, **facts)


def _cells(top1: Sequence[Sequence[float | None]], known: np.ndarray) -> list[str]:
    """Means over seeds at each budget, and how far all are below the best known."""
    means = np.array(top1, float).mean(0)
    shown = ["not met" if np.isnan(mean) else f"{mean:.3f}" for mean in means]
    met = ~np.isnan(means)
    return [*shown, f"{(known - means)[met].mean():.3f}" if met.any() else ""]


def _joint(name: str, budgets_ms: Sequence[float], options: Namespace) -> Found:
    """By trainings for all of them: what was sampled in training, and what is by inference."""
    trained = {
        label: _trained(name, changes, options) for label, changes in {"ours": {}, **JOINT}.items()
    }
    found: Found = {}
    for label, jobs in trained.items():
        made = max(job.result["evaluations"] for job in jobs)
        if label == "ours":
            answers = [answer_values(name, job.generator, budgets_ms) for job in jobs]
            found["joint, refined: answers"] = made, _own_best(answers, budgets_ms)
            continue
        found[f"{label}: training"] = made, [_met(name, job, budgets_ms) for job in jobs]
        drawn = [policy_values(name, job.generator, budgets_ms, SAMPLES) for job in jobs]
        found[f"{label}: {SAMPLES} samples"] = made, _own_best(drawn, budgets_ms)
    return found


def _own_best(values: Sequence[Any], budgets_ms: Sequence[float]) -> list[list[float | None]]:
    return [own_best(each, budgets_ms) for each in values]


def _trained(name: str, changes: dict[str, Any], options: Namespace) -> list[Training]:
    jobs = [training(name, seed, options, changes) for seed in range(options.seeds)]
    results(jobs, options.processes)
    return jobs


def _met(name: str, job: Training, budgets_ms: Sequence[float]) -> list[float | None]:
    """The best that the training sampled."""
    values = platform(name).problem().values(job.generator.elites)
    return or_none(best_within(values, budgets_ms))


def _independent(name: str, budgets_ms: tuple[float, ...], options: Namespace) -> Found:
    """By searches of their own, each with its share of the architectures."""
    ours, seeds = TrainingSettings(steps=options.steps), range(options.seeds)
    share = {"steps": options.steps, "samples": ours.groups * ours.samples // len(budgets_ms)}
    jobs: dict[str, list[Job]] = {}
    for label, changes in LSTM.items():
        settings = tuple({**share, **changes}.items())
        jobs[label] = [Independent(name, seed, budgets_ms, settings) for seed in seeds]
    evaluations = sampled(options) // len(budgets_ms)
    for engine in ("nas-mo", "local"):
        jobs[engine] = [Search(name, seed, engine, budgets_ms, evaluations) for seed in seeds]
    found = {label: results(each, options.processes) for label, each in jobs.items()}
    return {
        f"independent {label}": (sampled(options), [each["top1"] for each in runs])
        for label, runs in found.items()
    }
