"""How many steps a training can take in a given time."""

from __future__ import annotations

import time
from collections.abc import Callable
from copy import deepcopy
from statistics import fmean

from nasprof.errors import UsageError
from supernets.supernet import Supernet
from supernets.training.recipe import Recipe
from supernets.training.schemes import AnyScheme
from supernets.training.trainer import Batch, Trainer

_GOLDEN = 0.6180339887498949
NOMINAL = 1000
"""Steps of the training that is tried; where its phases lie follows from their shares."""
_WARM, _FEWEST, _MOST = 2, 6, 48
_TRIED, _AT_MOST = 0.03, 0.1
"""Share of the time that is spent on finding out; where steps take long, and there are few."""
_KEPT = 0.97
"""Share of the time that is planned with, as steps differ."""


def steps_within(
    seconds: float,
    supernet: Supernet,
    recipe: Recipe,
    batches: Callable[[], Batch],
    scheme: AnyScheme | None = None,
) -> int:
    """How many steps of a recipe fit into CPU seconds of this process.

    Some steps are taken on a copy, spread over the training.

    Args:
        seconds: from now on.
        batches: gives batches to try.
        scheme: which networks learn; the recipe's unless given.

    Raises:
        UsageError: there is no time for as many steps as have to be tried.
    """
    begun = time.process_time()
    step_s = _step_seconds(seconds, supernet, recipe, batches, scheme)
    left = _KEPT * seconds - (time.process_time() - begun)
    steps = int(left / step_s)
    if steps < 1:
        raise UsageError(
            f"a step takes {step_s:.2g} CPU seconds, so that {seconds:.3g} are too few",
            "Give more seconds, or the number of steps.",
        )
    return steps


def _step_seconds(
    seconds: float,
    supernet: Supernet,
    recipe: Recipe,
    batches: Callable[[], Batch],
    scheme: AnyScheme | None,
) -> float:
    """Mean CPU seconds of a step."""
    trial = recipe.with_steps(NOMINAL)
    trainer = Trainer(deepcopy(supernet), trial, batches, scheme=scheme)
    trainer.freeze_teacher()
    taken: list[float] = []
    for number in range(_WARM + _MOST):
        # Any number of these is spread evenly (a golden-section sequence).
        trainer.done = int(NOMINAL * (number * _GOLDEN % 1))
        begun = time.process_time()
        trainer.step()
        taken.append(time.process_time() - begun)
        enough = _TRIED if len(taken) >= _WARM + _FEWEST else _AT_MOST
        if sum(taken) > enough * seconds:
            break
    return fmean(taken[_WARM:] or taken[-1:])
