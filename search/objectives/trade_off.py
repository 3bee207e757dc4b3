"""The trade-off of accuracy and latency, which generators and comparisons of engines search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from luts import NO_BOUND, Bound, CostModel, Extremes, Speed
from nasprof.errors import UsageError
from nasprof.typing import Array
from search.accuracy.base import AccuracyModel
from search.objectives.latency import latency_objective
from search.objectives.top1 import top1_objective
from search.problem import Limit, Problem
from spaces import Genes, Space
from spaces.predictor import SpaceMismatch


@dataclass(frozen=True)
class TradeOff:
    """Accuracy against latency in one space.

    Args:
        watch: given the genes ``(n, n_genes)`` each time accuracies are asked for.

    Raises:
        SpaceMismatch: one of the models is not of the space.

    >>> from luts import read_cost_model
    >>> from search import read_accuracy_model
    >>> table = read_cost_model("cpu-onnxruntime-fp32-ofa-mbv3-w1.0-r224")
    >>> trade_off = TradeOff.of(read_accuracy_model("imagenet"), table)
    >>> [objective.name for objective in trade_off.problem().objectives]
    ['top1', 'latency']
    """

    space: Space
    accuracy: AccuracyModel
    cost: CostModel
    watch: Callable[[Genes], object] | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        self.accuracy.space_of(self.space)
        self.cost.space_of(self.space)

    @classmethod
    def of(cls, accuracy: AccuracyModel, cost: CostModel, space: Space | None = None) -> TradeOff:
        """The trade-off in ``space``, else in the only space that both models know.

        Args:
            accuracy: predicts top-1.
            cost: predicts latencies.
            space: one that both know.

        Raises:
            SpaceMismatch: there is no such space, or there are several.
        """
        if space is not None:
            return cls(space, accuracy, cost)
        common = [candidate for candidate in accuracy.spaces if cost.knows(candidate)]
        if len(common) == 1:
            return cls(common[0], accuracy, cost)
        labels = [", ".join(own.label for own in model.spaces) for model in (accuracy, cost)]
        if common:
            raise SpaceMismatch(
                f"accuracy model {accuracy.name!r} and cost model {cost.name!r} have several "
                f"spaces in common: {', '.join(shared.label for shared in common)}",
                "Say which one by --resolution.",
            )
        raise SpaceMismatch(
            f"accuracy model {accuracy.name!r} is of {labels[0]}, "
            f"cost model {cost.name!r} of {labels[1]}: no space in common",
            "Take models of the same space, width and resolution.",
        )

    def watched(self, watch: Callable[[Genes], object]) -> TradeOff:
        """The same trade-off, telling ``watch`` which architectures' accuracies are asked for."""
        return replace(self, watch=watch)

    def top1(self, genes: Genes) -> Array:
        """Predicted top-1 accuracy in percent: ``(n,)``."""
        if self.watch is not None:
            self.watch(genes)
        return self.accuracy.top1(genes, self.space)

    def latency_ms(self, genes: Genes) -> Array:
        """Predicted latency in ms: ``(n,)``."""
        return self.cost.latency_ms(genes, self.space)

    @property
    def extremes(self) -> Extremes:
        """The range of predicted latencies."""
        return self.cost.extremes(self.space)

    def bound(self, confidence: float | None, speed: Speed | None = None) -> Bound:
        """What an architecture takes at most, by its prediction, that a search has chosen.

        Args:
            confidence: of the bound; None asks for predictions as they are, which is also what is
                given where the cost model was never compared with whole networks.
            speed: of the device, whose interval is then part of the bound.
        """
        known = None if confidence is None else self.cost.answer_bound(confidence)
        bound = NO_BOUND if known is None else known
        return bound if speed is None else bound.at_speed(speed)

    def limit(
        self, budget_ms: float, confidence: float | None = None, speed: Speed | None = None
    ) -> Limit:
        """What a budget means for latencies.

        Args:
            budget_ms: at that speed.
            confidence: as of :meth:`bound`.
            speed: as of :meth:`bound`.

        Raises:
            UsageError: the budget is no time.
        """
        if not 0 < budget_ms < np.inf:
            raise UsageError(f"the budget is {budget_ms:g} ms, expected a time above 0")
        return Limit.of_budget(budget_ms, self.bound(confidence, speed))

    def budget_range(
        self, confidence: float | None = None, speed: Speed | None = None
    ) -> tuple[float, float]:
        """Upper bounds in ms of the fastest and of the slowest architecture.

        Nothing is within a budget below the first; a budget above the second changes nothing.
        """
        ends, bound = self.extremes, self.bound(confidence, speed)
        low_ms, high_ms = bound.upper(np.array([ends.min_ms, ends.max_ms])).tolist()
        return low_ms, high_ms

    def problem(self, budget_ms: float | None = None, confidence: float | None = None) -> Problem:
        """Both as objectives ``top1`` and ``latency``, the latter limited by the budget.

        Raises:
            UsageError: the budget is no time.
            BudgetImpossible: no architecture meets it.
        """
        limits = {}
        if budget_ms is not None:
            limits["latency"] = self.limit(budget_ms, confidence)
            self.cost.require_budget(limits["latency"].on_prediction, self.space)
        # Its own function, which tells who watches.
        top1 = replace(top1_objective("top1", self.accuracy, self.space), function=self.top1)
        latency = latency_objective("latency", self.cost, self.space, self.bound(confidence))
        return Problem(self.space, (top1, latency), limits)
