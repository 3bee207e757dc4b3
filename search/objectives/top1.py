"""Top-1 accuracy: predicted by a model, or evaluated by the user's own function."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Self

from search.accuracy.base import AccuracyModel
from search.objectives.base import Wanted
from search.objectives.callables import UserFunction, evaluated
from search.objectives.models import Models
from search.problem import Objective, model_facts, nearest_additive
from spaces import Space


@dataclass(frozen=True)
class Top1(Wanted):
    """Top-1 accuracy in percent.

    Args:
        source: what tells it.
    """

    form: ClassVar[str] = "top1[@MODEL|module:function]"

    source: AccuracyModel | UserFunction

    @classmethod
    def of(cls, name: str, detail: str | None, models: Models) -> Self:
        wanted = models.sources.accuracy if detail is None else detail
        return cls(name, UserFunction.of(wanted) or models.accuracy(wanted))

    @property
    def spaces(self) -> tuple[Space, ...] | None:
        return None if isinstance(self.source, UserFunction) else self.source.spaces

    def objective(self, space: Space) -> Objective:
        if isinstance(self.source, UserFunction):
            return evaluated(self.name, "%", self.source, space, maximise=True)
        function = partial(self.source.top1, space=space)
        return Objective(
            self.name,
            "%",
            function,
            maximise=True,
            additive=self.source.additive,
            nearest_additive=partial(nearest_additive, self.source, space),
            facts=model_facts(self.source, self.source.top1, space),
        )
