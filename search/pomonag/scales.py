"""The search of guidance scales for a phase.

Lomurno et al. 2024, Sec. 3.5: a tree-structured Parzen estimator with Hyperband, which maximises
the mean predicted accuracy of the Pareto front of what is sampled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from nasprof.progress import no_progress
from nasprof.typing import Array, Progress
from search.diffusion.model import Diffusion
from search.pomonag.phases import Phase, sample_phase
from search.quality.indicators import non_dominated
from spaces import Genes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optuna import Trial

ACCURACY = (1.0, 40.0)
"""Range of the weight of accuracy in nats for a standard deviation."""
COSTS: Mapping[Phase, tuple[float, float]] = {"efficient": (1.0, 40.0), "accurate": (0.05, 4.0)}
"""The same of each cost."""
RUNGS = (32, 64, 128, 256)
"""Samples after which a trial may be given up."""


def search_scales(
    diffusion: Diffusion,
    predict: Callable[[Genes], Array],
    phase: Phase,
    trials: int,
    rng: np.random.Generator,
    progress: Progress = no_progress,
) -> dict[str, float]:
    """Weights in nats for a standard deviation of each objective, by name.

    Args:
        predict: objectives to be minimised of architectures, ``(n, n_objectives)``.
        trials: weights that are tried.
        rng: the only source of randomness.
        progress: told how many of how many trials are over.

    Raises:
        UsageError: there is no predictor to guide by.
    """
    import optuna

    def mean_accuracy(trial: Trial) -> float:
        weights = _suggested(trial, diffusion.names, phase)
        values, own = (
            np.zeros((0, len(diffusion.names))),
            np.random.default_rng([seed, trial.number]),
        )
        mean = -np.inf
        for before, count in zip((0, *RUNGS), RUNGS, strict=False):
            found = sample_phase(
                diffusion, phase, count - before, own, guide="weights", weights=weights
            )
            values = np.concatenate([values, predict(found.distinct)])
            mean = float(-values[non_dominated(values), 0].mean()) if len(values) else -1e9
            trial.report(mean, count)
            if trial.should_prune():
                raise optuna.TrialPruned
        return mean

    seed = int(rng.integers(2**31))
    with _quiet():
        study = optuna.create_study(
            direction="maximize",
            sampler=optuna.samplers.TPESampler(seed=seed),
            pruner=optuna.pruners.HyperbandPruner(RUNGS[0], RUNGS[-1], 2),
        )
        study.optimize(
            mean_accuracy,
            n_trials=trials,
            callbacks=[lambda _, trial: progress(trial.number + 1, trials)],
        )
    return {name: float(weight) for name, weight in study.best_trial.params.items()}


def _suggested(trial: Trial, names: tuple[str, ...], phase: Phase) -> dict[str, float]:
    primary, *costs = names
    ranges = {primary: ACCURACY, **dict.fromkeys(costs, COSTS[phase])}
    return {name: trial.suggest_float(name, *ends, log=True) for name, ends in ranges.items()}


@contextmanager
def _quiet() -> Iterator[None]:
    """Optuna tells nothing of single trials."""
    from optuna.logging import WARNING, get_verbosity, set_verbosity

    before = get_verbosity()
    set_verbosity(WARNING)
    try:
        yield
    finally:
        set_verbosity(before)
