"""How a task's networks are trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nasprof.settings import Settings, setting


@dataclass(frozen=True)
class TaskRecipe(Settings):
    """A short training with AdamW and a learning rate that rises once and falls to nothing.

    The defaults, rounded, are what :func:`search.tasks.tuning.tune_on_drawn_tasks` found with
    seed 0 in 26 trials, 213 CPU seconds in all. Steps and images are what a triplet may cost.

    Args:
        steps: updates of the weights.
        batch: images of each.
        learning_rate: at its highest.
        weight_decay: of weights of more than one dimension.
        warmup: share of the steps in which the learning rate rises.
        smoothing: of labels.
    """

    owner: ClassVar[str] = "the recipe of tasks"

    steps: int = setting(40, "updates of the weights", 1, 100_000)
    batch: int = setting(48, "images of each", 2, 4096)
    learning_rate: float = setting(0.024, "at its highest", 1e-6, 10)
    weight_decay: float = setting(0.27, "of weights of more than one dimension", 0, 10)
    warmup: float = setting(0.34, "share of the steps in which the learning rate rises", 0, 0.9)
    smoothing: float = setting(0.19, "of labels", 0, 0.9)

    def rate(self, step: int) -> float:
        """The learning rate of a step, 0 to ``steps`` - 1."""
        rising = max(1.0, self.warmup * self.steps)
        return self.learning_rate * min((step + 1) / rising, (self.steps - step) / self.steps)
