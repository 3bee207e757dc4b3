"""Top-1 accuracy: predicted by a model, or evaluated by a supernet or the user's own function."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Self

import numpy as np

from nasprof.errors import UsageError
from nasprof.log import logger
from nasprof.typing import Progress
from search.accuracy.base import AccuracyModel
from search.accuracy.ridge import ridge_of
from search.objectives.base import NamedObjective
from search.objectives.callables import UserFunction, evaluated
from search.objectives.facts import model_facts
from search.objectives.images import LabelledImages
from search.objectives.models import Models
from search.objectives.supernet_accuracy import SupernetFile, is_supernet
from search.problem import Objective
from spaces import Space


@dataclass(frozen=True)
class OfSupernet:
    """Top-1 of a supernet's networks, evaluated on labelled images.

    Args:
        space: of the networks.
        reading: told how many images have been looked at.
    """

    file: SupernetFile
    space: Space
    images: LabelledImages
    reading: Progress | None = None

    @classmethod
    def of(cls, name: str, path: str, models: Models) -> Self:
        """The networks in a file, at the resolution asked for.

        Args:
            name: of the objective, for messages.

        Raises:
            UsageError: there is no such file or resolution, or no images are named.
        """
        if models.images is None:
            raise UsageError(
                f"objective {name!r} evaluates networks on labelled images, and none are named",
                "Name their folder, file or data set: --data DIR.",
            )
        file = SupernetFile.read(path, models.space)
        return cls(file, file.at(models.resolution), models.images, models.reading)

    @property
    def spaces(self) -> tuple[Space, ...]:
        return (self.space,)

    def objective(self, name: str, space: Space) -> Objective:
        """The objective; supernet and images are loaded in this process."""
        if self.images.split == "test":
            logger.warning(
                "The search sees the test images: what it finds is better on them than on others. "
                "Search on the validation images, and keep these for what was found."
            )
        evaluator = self.file.evaluator(self.images, space, self.reading)
        return Objective(
            name,
            "%",
            evaluator.top1,
            maximise=True,
            kind="evaluated",
            facts=self.file.facts(evaluator),
        )


@dataclass(frozen=True)
class Top1(NamedObjective):
    """Top-1 accuracy in percent.

    Args:
        source: what tells it.
    """

    form: ClassVar[str] = "top1[@MODEL|SUPERNET|module:function]"

    source: AccuracyModel | UserFunction | OfSupernet

    @classmethod
    def of(cls, name: str, detail: str | None, models: Models) -> Self:
        named = models.accuracy if detail is None else detail
        if is_supernet(named):
            return cls(name, OfSupernet.of(name, named, models))
        return cls(name, UserFunction.of(named) or models.accuracy_model(named))

    @property
    def spaces(self) -> tuple[Space, ...] | None:
        return None if isinstance(self.source, UserFunction) else self.source.spaces

    def knows_at(self, member: Space) -> bool:
        """Also a resolution that a model knows without naming it."""
        if isinstance(self.source, AccuracyModel):
            return self.source.knows(member)
        return super().knows_at(member)

    def by_member(self, space: Space) -> bool:
        return isinstance(self.source, AccuracyModel) and space not in self.source.spaces

    @property
    def needs_images(self) -> bool:
        return isinstance(self.source, OfSupernet)

    def objective(self, space: Space) -> Objective:
        if isinstance(self.source, UserFunction):
            return evaluated(self.name, "%", self.source, space, maximise=True)
        if isinstance(self.source, OfSupernet):
            return self.source.objective(self.name, space)
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
