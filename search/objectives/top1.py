"""Top-1 accuracy: predicted by a model, or evaluated by the user's own function."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Self

import numpy as np

from nasprof.log import logger
from search.accuracy.base import AccuracyModel
from search.accuracy.ridge import ridge_of
from search.objectives.base import NamedObjective
from search.objectives.callables import UserFunction, evaluated
from search.objectives.facts import model_facts
from search.objectives.models import Models
from search.problem import Objective
from spaces import Space


@dataclass(frozen=True)
class Top1(NamedObjective):
    """Top-1 accuracy in percent.

    Args:
        source: what tells it.
    """

    form: ClassVar[str] = "top1[@MODEL|module:function]"

    source: AccuracyModel | UserFunction

    @classmethod
    def of(cls, name: str, detail: str | None, models: Models) -> Self:
        named = models.accuracy if detail is None else detail
        return cls(name, UserFunction.of(named) or models.accuracy_model(named))

    @property
    def spaces(self) -> tuple[Space, ...] | None:
        return None if isinstance(self.source, UserFunction) else self.source.spaces

    def objective(self, space: Space) -> Objective:
        if isinstance(self.source, UserFunction):
            return evaluated(self.name, "%", self.source, space, maximise=True)
        return top1_objective(self.name, self.source, space)


def top1_objective(name: str, model: AccuracyModel, space: Space) -> Objective:
    """Top-1 accuracy in percent as a model predicts it.

    Args:
        name: of the objective.
        model: predicts accuracies of the space.
        space: of the architectures.

    Raises:
        SpaceMismatch: the model is not of the space.
    """
    return Objective(
        name,
        "%",
        partial(model.top1, space=space),
        maximise=True,
        additive=model.additive,
        nearest_additive=partial(nearest_additive, model, space),
        facts=model_facts(model, model.top1, space),
    )


def nearest_additive(model: AccuracyModel, space: Space, rng: np.random.Generator) -> Objective:
    """Top-1 by the additive model nearest to another one, which is said with how near that is.

    Args:
        model: the other one.
        space: of the architectures.
        rng: of the architectures that it is fitted to.
    """
    additive = ridge_of(model, space, rng)
    for doubt in additive.doubts:
        logger.warning(f"Exact for {additive.name!r} only: {doubt}")
    return Objective("top1", "%", additive.top1, maximise=True, additive=True)
