"""Trainings of generators beside each other, as tables: rewards, knots, what each change brings."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from common import report
from jobs import results
from platforms import unseen_budgets
from pnag_jobs import Training

from search.pnag.settings import TrainingSettings

Changes = Mapping[str, Any]
Trials = Sequence[Mapping[str, Any]]

COMPARED = ("note10", "cpu-onnxruntime")
REWARDS = ("learnt", "learnt-feasibility", "mnasnet", "absolute", "dominance")
ALONE = {"imitation": 0.0, "refine": 0}
"""Nothing to learn from but the reward."""
KNOTS = (1, 2, 5, 10, 30)
ABLATION: dict[str, Changes] = {
    "ours": {},
    "knots even": {"spacing": "even"},
    "knots trained only": {"budgets": "knots"},
    "baseline moving": {"baseline": "moving"},
    "overshoot 1": {"overshoot": 1.0},
    "no imitation": {"imitation": 0.0},
    "no refinement": {"refine": 0},
    "neither of them": ALONE,
    "entropy 1e-3": {"entropy": 1e-3, "final_entropy": 1e-3},
    "rate 3e-4": {"learning_rate": 3e-4},
}
PUBLISHED: dict[str, Changes] = {
    "published": {},
    "published, evaluator refreshed": {"refresh": 20},
    "published, rate 3e-3": {"learning_rate": 3e-3},
}
MEASURES = (
    "policy share",
    "answers share",
    "policy short",
    "not met",
    "answers short",
    "samples within",
    "Kendall",
    "misranked",
)


def training(name: str, seed: int, options: Namespace, changes: Changes) -> Training:
    """Ours, but for the changes."""
    return Training(name, seed, tuple({"steps": options.steps, **changes}.items()))


def published(name: str, seed: int, options: Namespace, changes: Changes) -> Training:
    """The published one, but for the changes, with as many samples as ours."""
    straight = TrainingSettings.published()
    steps = sampled(options) // (straight.knots * straight.samples)
    return Training(name, seed, tuple({"steps": steps, **changes}.items()), published=True)


def sampled(options: Namespace) -> int:
    """Architectures that the policy samples in a training."""
    settings = TrainingSettings(steps=options.steps)
    return settings.steps * settings.groups * settings.samples


def rewards(options: Namespace) -> None:
    """Table 2: with our other settings, and with the reward as the only thing to learn from."""
    groups = {reward: (training, {"reward": reward}) for reward in REWARDS}
    groups |= {f"{each}, nothing else": (training, {"reward": each, **ALONE}) for each in REWARDS}
    _beside("rewards", groups, options)


def ablation(options: Namespace) -> None:
    """The published procedure with as many samples, and ours without each of its changes."""
    groups = {label: (published, changes) for label, changes in PUBLISHED.items()}
    groups |= {label: (training, changes) for label, changes in ABLATION.items()}
    _beside("ablation", groups, options)


def knots(options: Namespace) -> None:
    """Table 5: budgets with embeddings of their own."""
    _beside("knots", {f"K = {n}": (training, {"knots": n}) for n in KNOTS}, options)


def _beside(
    section: str,
    groups: Mapping[str, tuple[Callable[..., Training], Changes]],
    options: Namespace,
) -> None:
    """Train each of them on each platform with each seed, and report how good it is."""
    jobs = {
        (name, label): [make(name, seed, options, changes) for seed in range(options.seeds)]
        for name in COMPARED
        for label, (make, changes) in groups.items()
    }
    results([job for each in jobs.values() for job in each], options.processes)
    trials = {key: [job.result for job in each] for key, each in jobs.items()}
    report(
        f"pnag_paper_{section}",
        ["platform", "training", *MEASURES],
        [[*key, *measures(each)] for key, each in trials.items()],
        settings={label: each[0].trained_with.to_dict() for (_, label), each in jobs.items()},
        unseen_ms={name: unseen_budgets(name) for name in COMPARED},
        trials=[
            {"platform": name, "training": label, "seed": seed, **trial}
            for (name, label), each in trials.items()
            for seed, trial in enumerate(each)
        ],
    )


def measures(trials: Trials) -> list[str]:
    """Cells of a table: means over seeds."""
    return [
        _share([trial["policy_share"] for trial in trials]),
        _share([trial["answers_share"] for trial in trials]),
        _short(trials, "policy_shortfall"),
        f"{np.mean([trial['policy_shortfall'].count(None) for trial in trials]):g}",
        _short(trials, "answers_shortfall"),
        f"{np.mean([trial['within'] for trial in trials]):.3f}",
        *(_evaluator(trials, measure) for measure in ("kendall", "misranked")),
    ]


def _share(values: Sequence[float]) -> str:
    return f"{np.mean(values):.4f} ({min(values):.4f})"


def _short(trials: Trials, field: str) -> str:
    """The mean, and the most of any seed, over the budgets that were met."""
    gaps = [gap for trial in trials for gap in trial[field] if gap is not None]
    return f"{np.mean(gaps):.3f} ({max(gaps):.3f})" if gaps else ""


def _evaluator(trials: Trials, measure: str) -> str:
    """The mean over knots, where an evaluator was learnt."""
    learnt = [trial["evaluator"][measure] for trial in trials if trial["evaluator"]]
    known = [value for values in learnt for value in values if value is not None]
    return f"{np.mean(known):.3f}" if known else ""
