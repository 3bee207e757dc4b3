"""What a search is for: objectives of the architectures of a space, and limits on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, TypeAlias

import numpy as np

from luts import NO_BOUND, Bound, CostModel, Extremes
from luts.errors import BudgetImpossible
from nasprof.errors import UsageError
from nasprof.log import logger
from nasprof.typing import Array
from search.accuracy.base import AccuracyModel
from spaces import Genes, Space
from spaces.predictor import SpaceMismatch

Kind: TypeAlias = Literal["computed", "predicted", "evaluated"]
"""Where values come from: the description of a network, a model, or running the network itself."""


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
        place: the device that evaluates it, one architecture at a time; None if it is no device.
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
    facts: Mapping[str, Any] = field(default_factory=dict)
    place: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """As the head of an archive has it."""
        about = {"name": self.name, "unit": self.unit, "maximise": self.maximise}
        facts = {"facts": dict(self.facts)} if self.facts else {}
        return {**about, "kind": self.kind, **facts}


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

    def require_possible(self) -> None:
        """Refuse limits that no architecture can meet, as far as the range of values is known.

        Raises:
            BudgetImpossible: naming the least or the largest value there is.
        """
        for each in self.objectives:
            if each.name not in self.limits or each.extremes is None:
                continue
            low, high = each.extremes()
            limit, end = self.limits[each.name], high if each.maximise else low
            if limit > end if each.maximise else limit < end:
                raise BudgetImpossible(
                    f"no {self.space.label} network has {'at least' if each.maximise else 'under'} "
                    f"{each.bound.upper(limit):.4g} {each.unit} of {each.name!r}: the "
                    f"{'most' if each.maximise else 'least'} is {each.bound.upper(end):.4g}",
                    "Change the budget, or width or resolution.",
                )

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

    def bound(self, confidence: float | None) -> Bound:
        """What an architecture takes at most, by its prediction, that a search has chosen.

        Args:
            confidence: of the bound; None asks for predictions as they are, which is also what is
                given where the cost model was never compared with whole networks.
        """
        known = None if confidence is None else self.cost.answer_bound(confidence)
        return NO_BOUND if known is None else known

    def problem(self, budget_ms: float | None = None, confidence: float | None = None) -> Problem:
        """Both as objectives ``top1`` and ``latency``, the latter limited by the budget.

        Raises:
            UsageError: the budget is no time.
            BudgetImpossible: no architecture meets it.
        """
        bound, limits = self.bound(confidence), {}
        if budget_ms is not None:
            limits["latency"] = bound.limit(check_budget(budget_ms))
            self.cost.require_budget(limits["latency"], self.space)
        top1 = Objective(
            "top1",
            "%",
            self.top1,
            maximise=True,
            additive=self.accuracy.additive,
            nearest_additive=partial(nearest_additive, self.accuracy, self.space),
            facts=model_facts(self.accuracy, self.accuracy.top1, self.space),
        )
        latency = Objective(
            "latency",
            "ms",
            self.latency_ms,
            additive=self.cost.additive,
            free=True,
            extremes=partial(latency_extremes, self.cost, self.space),
            bound=bound,
            facts=model_facts(self.cost, self.cost.latency_ms, self.space),
        )
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


def model_facts(
    model: AccuracyModel | CostModel, predict: Callable[..., Array], space: Space
) -> dict[str, Any]:
    """Name and kind of a model, and what it says of six fixed architectures, as JSON values.

    Args:
        predict: genes ``(n, n_genes)`` and their space to predictions ``(n,)``.
    """
    ends = space.canonical(np.stack([np.zeros(space.n_genes, np.int8), space.n_choices - 1]))
    probes = np.concatenate([ends, space.sample(4, np.random.default_rng(0), "biased")])
    told = [float(f"{value:.6g}") for value in predict(probes, space=space).tolist()]
    return {"model": model.name, "kind": model.kind, "probes": told}


def latency_extremes(cost: CostModel, space: Space, factor: float = 1.0) -> tuple[float, float]:
    """The range of latencies in ms that a cost model knows, times ``factor``."""
    ends = cost.extremes(space)
    return factor * ends.min_ms, factor * ends.max_ms


def nearest_additive(accuracy: AccuracyModel, space: Space, rng: np.random.Generator) -> Objective:
    """Top-1 by the additive model nearest to another one, which is said with how near that is."""
    from search.accuracy.ridge import ridge_of

    additive = ridge_of(accuracy, space, rng)
    for doubt in additive.doubts:
        logger.warning(f"Exact for {additive.name!r} only: {doubt}")
    return Objective("top1", "%", additive.top1, maximise=True, additive=True)


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
