"""The recipe of tasks, found by optuna on a few meta-train tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from nasprof.progress import no_progress
from nasprof.typing import Progress
from search.tasks.anchors import ANCHORS
from search.tasks.parts import META_TRAIN
from search.tasks.recipe import TaskRecipe
from search.tasks.sources.base import task_images, task_sources
from search.tasks.task import Task
from search.tasks.training import TaskTensors, trained_top1
from supernets.threads import torch_threads

if TYPE_CHECKING:
    import optuna

_CELLS = (0, 2)
"""Anchors that a recipe is tried with."""

_TUNED_ON = "glyphs fonts patterns glyphs glyphs patterns glyphs fonts glyphs"


def tune_on_drawn_tasks(
    trials: int, seed: int, begin: TaskRecipe, progress: Progress = no_progress
) -> tuple[TaskRecipe, float]:
    """The same on nine meta-train tasks of chance; arguments as of :func:`tune_recipe`."""
    rng = np.random.default_rng([seed, 4])
    tasks = [
        task_sources.get(source)().draw(f"tuning-{number}", META_TRAIN, rng)
        for number, source in enumerate(_TUNED_ON.split())
    ]
    return tune_recipe(tasks, trials, seed, begin, progress)


def tune_recipe(
    tasks: Sequence[Task],
    trials: int,
    seed: int = 0,
    begin: TaskRecipe | None = None,
    progress: Progress = no_progress,
) -> tuple[TaskRecipe, float]:
    """The recipe with the highest mean accuracy of two anchors over tasks.

    TPE proposes (Bergstra et al., 2011); Hyperband (Li et al., 2018) ends trials after one, three
    or nine tasks.

    Args:
        tasks: that it is tuned on.
        trials: how many recipes are tried.
        seed: of everything.
        begin: the number of steps and images, which are not tuned; the first recipe tried.
        progress: told how many trials are done.

    Returns:
        The recipe, and its mean accuracy in percent.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    begin = begin or TaskRecipe()
    tensors = [TaskTensors.of(task_images(task)) for task in tasks]
    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=seed, multivariate=True, n_startup_trials=8),
        pruner=optuna.pruners.HyperbandPruner(1, len(tasks), 3),
        study_name="recipe",
    )
    first = {name: getattr(begin, name) for name in _RANGES}
    study.enqueue_trial(first)

    def objective(trial: optuna.Trial) -> float:
        return _mean_top1(_proposed(trial, begin), tensors, seed, trial)

    for done in range(trials):
        with torch_threads(1):
            study.optimize(objective, n_trials=1)
        progress(done + 1, trials)
    return replace(begin, **study.best_params), float(study.best_value)


_RANGES = {
    "learning_rate": (1e-3, 0.2),
    "weight_decay": (1e-4, 1.0),
    "warmup": (0.0, 0.6),
    "smoothing": (0.0, 0.3),
}


def _proposed(trial: optuna.Trial, begin: TaskRecipe) -> TaskRecipe:
    values = {}
    for name, (low, high) in _RANGES.items():
        values[name] = trial.suggest_float(name, low, high, log=low > 0)
    return replace(begin, **values)


def _mean_top1(
    recipe: TaskRecipe, tensors: Sequence[TaskTensors], seed: int, trial: optuna.Trial
) -> float:
    """The mean over tasks.

    Raises:
        TrialPruned: others were better on the first of them.
    """
    import optuna

    values: list[float] = []
    for number, task in enumerate(tensors):
        values += [trained_top1(ANCHORS[cell], task, recipe, seed) for cell in _CELLS]
        trial.report(float(np.mean(values)), number + 1)
        if number + 1 < len(tensors) and trial.should_prune():
            raise optuna.TrialPruned
    return float(np.mean(values))
