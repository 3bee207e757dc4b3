"""What a search is for: objectives of the architectures of a space, and limits on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

import numpy as np

from luts import NO_BOUND, Bound
from luts.errors import BudgetImpossible
from nasprof.errors import NasprofError
from nasprof.typing import Array, JsonObject
from spaces import Genes, Space

Kind: TypeAlias = Literal["computed", "predicted", "evaluated"]
"""Where values come from: the description of a network, a model, or running the network itself."""


class EvaluationImpossible(NasprofError):
    """Nothing can be evaluated any more; no architecture is to blame for that."""


@dataclass(frozen=True)
class Objective:
    """A number that an architecture should have much or little of.

    It can be pickled if its functions can, and is then evaluated by other processes as well.

    Args:
        function: genes ``(n, n_genes)`` to values ``(n,)`` in ``unit``.
        maximise: whether more is better.
        additive: whether the groups of genes in ``Space.parts`` contribute independently.
        kind: where its values come from; values of several kinds are never mixed.
        free: whether its values cost nothing, so that an engine may ask for those of any
            architecture instead of predicting them.
        extremes: gives the least and the largest value in the space, where that is known.
        bound: on the value that an architecture has when it is measured, with the confidence asked
            for: it makes limits of budgets.
        nearest_additive: gives the additive objective nearest to it, for engines that need one.
        facts: what it depends on, as JSON values: an archive of other facts is of another search.
        device: what evaluates it, one architecture at a time; None if it is no device.

    >>> from spaces import get_space
    >>> space = get_space("nasbench201", cells=1)
    >>> macs = Objective("macs", "MACs", lambda genes: space.macs(genes) * 1.0, kind="computed")
    >>> macs.function(np.zeros((1, 6), np.int8))
    array([7783040.])
    """

    name: str
    unit: str
    function: Callable[[Genes], Array]
    maximise: bool = False
    additive: bool = False
    kind: Kind = "predicted"
    free: bool = False
    extremes: Callable[[], tuple[float, float]] | None = None
    bound: Bound = NO_BOUND
    nearest_additive: Callable[[np.random.Generator], Objective] | None = None
    facts: Mapping[str, object] = field(default_factory=dict)
    device: str | None = None

    def to_dict(self) -> JsonObject:
        """As the head of an archive has it."""
        about = {"name": self.name, "unit": self.unit, "maximise": self.maximise}
        facts = {"facts": dict(self.facts)} if self.facts else {}
        return {**about, "kind": self.kind, **facts}


@dataclass(frozen=True)
class Limit:
    """What a budget of an objective means: no upper bound may be worse than it.

    What a search sees of most architectures is a prediction, so that the budget becomes a limit
    on predictions. This is the only place where one is made of the other.

    Args:
        budget: the worst upper bound allowed, in the objective's unit.
        on_prediction: the worst prediction allowed, in the same unit.
    """

    budget: float
    on_prediction: float

    @classmethod
    def of_budget(cls, budget: float, bound: Bound = NO_BOUND) -> Limit:
        """The limit that a budget is by an objective's bound.

        >>> Limit.of_budget(12.0).on_prediction
        12.0
        """
        return cls(budget, bound.limit(budget))

    @classmethod
    def of_prediction(cls, on_prediction: float, bound: Bound = NO_BOUND) -> Limit:
        """The limit on predictions that an archive holds, with the budget that it is by today's
        bound.
        """
        return cls(bound.upper(on_prediction), on_prediction)

    @property
    def factor(self) -> float:
        """How many times the largest prediction allowed the budget is."""
        return self.budget / self.on_prediction


@dataclass(frozen=True)
class Problem:
    """Objectives over a space; engines see all of them to be minimised.

    Args:
        objectives: in the order of the columns of :meth:`values`.
        limits: by the names of objectives.

    >>> from spaces import get_space
    >>> space = get_space("nasbench201", cells=1)
    >>> macs = Objective("macs", "MACs", lambda genes: space.macs(genes) * 1.0)
    >>> Problem(space, (macs,)).within({"macs": 2e7}).worst
    array([20000000.])
    """

    space: Space
    objectives: tuple[Objective, ...]
    limits: Mapping[str, Limit] = field(default_factory=dict)

    def within(self, budgets: Mapping[str, float]) -> Problem:
        """The same objectives, limited by budgets alone.

        Args:
            budgets: by the names of objectives, each in its objective's unit.

        Raises:
            BudgetImpossible: no architecture meets one of them.
        """
        bounds = {objective.name: objective.bound for objective in self.objectives}
        limits = {name: Limit.of_budget(budget, bounds[name]) for name, budget in budgets.items()}
        limited = replace(self, limits=limits)
        limited.require_possible()
        return limited

    @property
    def prediction_limits(self) -> dict[str, float]:
        """The worst prediction allowed of an objective, by name, in its own unit."""
        return {name: limit.on_prediction for name, limit in self.limits.items()}

    @property
    def signs(self) -> Array:
        """-1 where an objective is maximised, else 1: ``(n_objectives,)``."""
        return np.array([-1.0 if objective.maximise else 1.0 for objective in self.objectives])

    @property
    def worst(self) -> Array:
        """Largest allowed value of each objective to be minimised ``(n_objectives,)``, or inf."""
        unlimited = self.signs * np.inf
        names = [objective.name for objective in self.objectives]
        limits = self.prediction_limits
        allowed = [limits.get(*pair) for pair in zip(names, unlimited, strict=True)]
        worst: Array = self.signs * np.array(allowed)
        return worst

    def require_possible(self) -> None:
        """Refuse limits that no architecture can meet, as far as the range of values is known.

        Raises:
            BudgetImpossible: naming the least or the largest value there is.
        """
        for objective in self.objectives:
            limit = self.limits.get(objective.name)
            if limit is None or objective.extremes is None:
                continue
            low, high = objective.extremes()
            end, allowed = high if objective.maximise else low, limit.on_prediction
            if allowed > end if objective.maximise else allowed < end:
                within, last = ("at least", "most") if objective.maximise else ("under", "least")
                raise BudgetImpossible(
                    f"no {self.space.label} network has {within} {limit.budget:.4g} "
                    f"{objective.unit} of {objective.name!r}: the {last} is "
                    f"{objective.bound.upper(end):.4g}",
                    "Change the budget, or width or resolution.",
                )

    def values(self, genes: Genes) -> Array:
        """Every objective of each architecture, to be minimised: ``(n, n_objectives)``."""
        columns = [objective.function(genes) for objective in self.objectives]
        values: Array = self.signs * np.stack(columns, 1)
        return values
