"""Latency as a cost model predicts it, and its upper bound."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar, Self

from devices import Target, list_profiles
from luts import NO_BOUND, Bound, CostModel, cost_model_files
from nasprof.errors import UsageError
from nasprof.registry import near_names
from search.objectives.base import NamedObjective
from search.objectives.facts import model_facts
from search.objectives.models import Models, is_device, split_device
from search.problem import Objective
from spaces import Space


@dataclass(frozen=True)
class Latency(NamedObjective):
    """Predicted latency in ms.

    Args:
        source: a cost model, or the device whose own table is looked up or built.
        models: where that table comes from.
        serial: which one of several devices, where the name says so.
    """

    form: ClassVar[str] = "latency[@MODEL|DEVICE[/SERIAL]]"

    source: CostModel | Target
    models: Models
    serial: str | None = None

    @classmethod
    def of(cls, name: str, detail: str | None, models: Models) -> Self:
        source = _source(name, detail, models)
        if detail is None or not isinstance(source, Target):
            return cls(name, source, models)
        return cls(name, source, models, split_device(detail)[1])

    @property
    def spaces(self) -> tuple[Space, ...] | None:
        return None if isinstance(self.source, Target) else self.source.spaces

    def knows_at(self, member: Space) -> bool:
        """Also a resolution between those that a learned model was made from."""
        return isinstance(self.source, Target) or self.source.knows(member)

    def by_member(self, space: Space) -> bool:
        return isinstance(self.source, Target) or space not in self.source.spaces

    def cost(self, space: Space) -> CostModel:
        """The cost model; a table of one's own is built first where it is of this machine."""
        if isinstance(self.source, Target):
            return self.models.own_table(self.source, space, self.serial)
        return self.source

    def objective(self, space: Space) -> Objective:
        cost = self.cost(space)
        bound = cost.answer_bound(self.models.confidence)
        objective = latency_objective(self.name, cost, space, bound or NO_BOUND)
        return replace(objective, facts={**objective.facts, "clock": cost.clock})


class LatencyUpper(Latency):
    """What networks take at most in ms, with the confidence asked for."""

    form: ClassVar[str] = "latency_upper[@MODEL|DEVICE[/SERIAL]]"

    def objective(self, space: Space) -> Objective:
        cost, confidence = self.cost(space), self.models.confidence
        bound = cost.bound(confidence)
        if bound is None:
            raise UsageError(
                f"objective {self.name!r}: {cost.name!r} was never compared with whole networks, "
                "so it has no upper bounds",
                f"Run: nasprof audit {cost.name}",
            )
        function = partial(cost.upper_bound_ms, confidence=confidence)
        facts = {**model_facts(cost, function, space), "clock": cost.clock}
        return Objective(
            self.name,
            "ms",
            partial(function, space=space),
            additive=cost.additive,
            free=True,
            extremes=partial(latency_extremes, cost, space, bound.factor),
            facts={**facts, "confidence": confidence},
        )


def latency_objective(name: str, cost: CostModel, space: Space, bound: Bound) -> Objective:
    """Latency in ms as a cost model predicts it.

    Args:
        name: of the objective.
        cost: predicts latencies of the space.
        space: of the architectures.
        bound: what networks take at most that a search has chosen, by their predictions.

    Raises:
        SpaceMismatch: the model is not of the space.
    """
    return Objective(
        name,
        "ms",
        partial(cost.latency_ms, space=space),
        additive=cost.additive,
        free=True,
        extremes=partial(latency_extremes, cost, space),
        bound=bound,
        facts=model_facts(cost, cost.latency_ms, space),
    )


def latency_extremes(cost: CostModel, space: Space, factor: float = 1.0) -> tuple[float, float]:
    """The range of latencies in ms that a cost model knows.

    Args:
        cost: the model.
        space: one of its spaces.
        factor: what both ends are multiplied with.
    """
    ends = cost.extremes(space)
    return factor * ends.min_ms, factor * ends.max_ms


def _source(name: str, detail: str | None, models: Models) -> CostModel | Target:
    """The cost model that is named, by a name of its own or by its device's."""
    known = cost_model_files.known()
    if detail is None:
        return models.target_of(name, None) if models.lut is None else _default(models.lut, models)
    if detail in known or detail.endswith(cost_model_files.suffix):
        return models.cost_model(detail)
    if is_device(detail):
        return models.target_of(name, detail)
    raise UsageError(
        f"objective {name!r}: neither a cost model nor a device is called {detail!r}",
        near_names(detail, [*known, *list_profiles()]),
    )


def _default(lut: str, models: Models) -> CostModel:
    """The cost model of objectives whose names do not say it."""
    if models.precision is not None:
        raise UsageError(f"--lut {lut} says the precision itself", "Leave out --precision.")
    return models.cost_model(lut)
