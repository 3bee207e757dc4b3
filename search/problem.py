"""What a search is for: objectives of the architectures of a space, and limits on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from luts import CostModel, Extremes
from nasprof.errors import UsageError
from search.accuracy.base import AccuracyModel
from spaces import Genes, Space
from spaces.predictor import SpaceMismatch

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Objective:
    """A number that an architecture should have much or little of.

    Args:
        function: genes ``(n, n_genes)`` to values ``(n,)`` in ``unit``.
        maximise: whether more is better.
        additive: whether the groups of genes in ``Space.parts`` contribute independently.
    """

    name: str
    unit: str
    function: Callable[[Genes], Array]
    maximise: bool = False
    additive: bool = False


@dataclass(frozen=True)
class Problem:
    """Objectives over a space; engines see all of them to be minimised.

    Args:
        limits: the worst value allowed of an objective, by name, in its own unit.
    """

    space: Space
    objectives: tuple[Objective, ...]
    limits: Mapping[str, float] = field(default_factory=dict)

    @property
    def signs(self) -> Array:
        """-1 where an objective is maximised, else 1: ``(n_objectives,)``."""
        return np.array([-1.0 if each.maximise else 1.0 for each in self.objectives])

    @property
    def worst(self) -> Array:
        """Largest allowed value of each objective to be minimised ``(n_objectives,)``, or inf."""
        unlimited = self.signs * np.inf
        names = [each.name for each in self.objectives]
        limits = [self.limits.get(*pair) for pair in zip(names, unlimited, strict=True)]
        worst: Array = self.signs * np.array(limits)
        return worst

    def values(self, genes: Genes) -> Array:
        """Every objective of each architecture, to be minimised: ``(n, n_objectives)``."""
        columns = [each.function(genes) for each in self.objectives]
        values: Array = self.signs * np.stack(columns, 1)
        return values


@dataclass(frozen=True)
class TradeOff:
    """Accuracy against latency in one space.

    Raises:
        SpaceMismatch: one of the models is not of the space.
    """

    space: Space
    accuracy: AccuracyModel
    cost: CostModel

    def __post_init__(self) -> None:
        self.accuracy.space_of(self.space)
        self.cost.space_of(self.space)

    @classmethod
    def of(cls, accuracy: AccuracyModel, cost: CostModel, space: Space | None = None) -> TradeOff:
        """The trade-off in ``space``, else in the only space that both models know.

        Raises:
            SpaceMismatch: there is no such space, or there are several.
        """
        if space is not None:
            return cls(space, accuracy, cost)
        common = [each for each in accuracy.spaces if _knows(cost, each)]
        if len(common) == 1:
            return cls(common[0], accuracy, cost)
        labels = [", ".join(each.label for each in model.spaces) for model in (accuracy, cost)]
        if common:
            raise SpaceMismatch(
                f"accuracy model {accuracy.name!r} and cost model {cost.name!r} have several "
                f"spaces in common: {', '.join(each.label for each in common)}",
                "Say which one by --resolution.",
            )
        raise SpaceMismatch(
            f"accuracy model {accuracy.name!r} is of {labels[0]}, "
            f"cost model {cost.name!r} of {labels[1]}: no space in common",
            "Take models of the same space, width and resolution.",
        )

    def top1(self, genes: Genes) -> Array:
        """Predicted top-1 accuracy in percent: ``(n,)``."""
        return self.accuracy.top1(genes, self.space)

    def latency_ms(self, genes: Genes) -> Array:
        """Predicted latency in ms: ``(n,)``."""
        return self.cost.latency_ms(genes, self.space)

    @property
    def extremes(self) -> Extremes:
        """The range of predicted latencies."""
        return self.cost.extremes(self.space)

    def slack(self, confidence: float | None) -> float:
        """How often its predicted latency an architecture takes at most; 1 where not known.

        Args:
            confidence: of the bound; None asks for predictions as they are.
        """
        bound = None if confidence is None else self.cost.bound(confidence)
        return 1.0 if bound is None else bound.factor

    def problem(self, budget_ms: float | None = None, confidence: float | None = None) -> Problem:
        """Both as objectives ``top1`` and ``latency``, the latter limited by the budget.

        Raises:
            UsageError: the budget is no time.
            BudgetImpossible: no architecture meets it.
        """
        limits = {}
        if budget_ms is not None:
            limits["latency"] = check_budget(budget_ms) / self.slack(confidence)
            self.cost.require_budget(limits["latency"], self.space)
        top1 = Objective("top1", "%", self.top1, maximise=True, additive=self.accuracy.additive)
        latency = Objective("latency", "ms", self.latency_ms, additive=self.cost.additive)
        return Problem(self.space, (top1, latency), limits)


@dataclass(frozen=True)
class Watched(TradeOff):
    """A trade-off that tells which architectures are evaluated.

    Args:
        watch: given their genes ``(n, n_genes)`` each time accuracies are asked for.
    """

    watch: Callable[[Genes], object]

    @classmethod
    def on(cls, trade_off: TradeOff, watch: Callable[[Genes], object]) -> Watched:
        """The same trade-off, watched."""
        return cls(trade_off.space, trade_off.accuracy, trade_off.cost, watch)

    def top1(self, genes: Genes) -> Array:
        self.watch(genes)
        return super().top1(genes)


def check_budget(budget_ms: float) -> float:
    """``budget_ms`` if it is a time.

    Raises:
        UsageError: it is not above 0 or not finite.
    """
    if not 0 < budget_ms < np.inf:
        raise UsageError(f"the budget is {budget_ms:g} ms, expected a time above 0")
    return budget_ms


def _knows(cost: CostModel, space: Space) -> bool:
    try:
        cost.space_of(space)
    except SpaceMismatch:
        return False
    return True
