"""The latency of architectures without running them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from devices import Target
from luts import (
    TABLE_SPEED,
    BudgetImpossible,
    CostModel,
    LookupTable,
    Speed,
)
from luts.files import open_cost_model
from nasprof.durations import parse_milliseconds
from nasprof.errors import UsageError
from nasprof.log import logger
from nasprof.results import Records
from nasprof.typing import Array, JsonObject
from profiler.model_files.architectures import ArchLike, NamedArch, named_archs
from spaces import Space

if TYPE_CHECKING:
    from profiler.tables.progress import BuildProgress

BUDGET_CONFIDENCE = 0.95
"""Confidence of the bound that a budget is compared with."""


@dataclass(frozen=True)
class Prediction:
    """What a cost model says of one architecture.

    Args:
        name: of the architecture.
        space: label of its space.
        latency_ms: predicted.
        speed: the device's speed that latencies are of.
        upper_ms: what it takes at most if it is a random network, by confidence; empty where the
            cost model was never audited.
        answer_upper_ms: the same if a search has chosen it.
        budget_ms: what it is compared with, if anything.
    """

    name: str
    space: str
    latency_ms: float
    speed: Speed
    upper_ms: dict[float, float] = field(default_factory=dict)
    answer_upper_ms: dict[float, float] = field(default_factory=dict)
    budget_ms: float | None = None

    @property
    def within_budget(self) -> bool | None:
        """Whether its bound of 95 %, else its prediction, is within the budget; None without."""
        if self.budget_ms is None:
            return None
        return self.upper_ms.get(BUDGET_CONFIDENCE, self.latency_ms) <= self.budget_ms

    def to_dict(self) -> JsonObject:
        """As JSON."""
        data: JsonObject = {
            "name": self.name,
            "space": self.space,
            "latency_ms": self.latency_ms,
            "speed": self.speed.to_dict(),
        }
        for name in ("upper_ms", "answer_upper_ms"):
            if bounds := getattr(self, name):
                data[name] = {str(level): most_ms for level, most_ms in bounds.items()}
        if self.budget_ms is not None:
            data |= {"budget_ms": self.budget_ms, "within_budget": self.within_budget}
        return data


class Predictions(Records[Prediction]):
    """A prediction an architecture, in order.

    Args:
        results: in order.
        model: what they are by.
    """

    def __init__(self, results: Iterable[Prediction], model: CostModel) -> None:
        super().__init__(results)
        self.model = model

    def rows(self) -> list[JsonObject]:
        """A flat row each, for a table."""
        rows = []
        for prediction in self:
            row = prediction.to_dict() | {"speed": prediction.speed.factor}
            for name in ("upper_ms", "answer_upper_ms"):
                for level, most_ms in row.pop(name, {}).items():
                    row[f"{name}_{level}"] = most_ms
            rows.append(row)
        return rows


def predict(
    lut: str | Path | CostModel,
    archs: ArchLike | Iterable[ArchLike],
    *,
    budget: float | str | None = None,
    clock: str | None = None,
    speed: Speed | str = "table",
    device: Target | str | None = None,
    progress: BuildProgress | None = None,
) -> Predictions:
    """Predict the latency of architectures.

    Args:
        lut: name or file (``.json``) of a lookup table or a learned cost model, or itself.
        archs: files of architectures, architectures as dicts, or spaces with genes ``(n_genes,)``
            or ``(n, n_genes)``; one or several.
        budget: latency in ms, or text such as ``"110ms"``, to say who meets it.
        clock: "wall" or "cpu"; the cost model's own unless given.
        speed: the device's speed that latencies are of: "table", "today", which is timed on the
            device, or a speed that is known.
        device: where today's speed is timed; the device of the table, as it was measured, unless
            given.
        progress: told how far that timing has come.

    Returns:
        One prediction an architecture, in order.

    Raises:
        UsageError: there is no such cost model, or today's speed cannot be told.
        SpaceMismatch, MissingEntries: the cost model does not know the architectures.
        BudgetImpossible: no network of any of the spaces meets the budget.
        DeviceError: today's speed is asked for, and the device cannot be used.

    >>> from spaces import get_space
    >>> space = get_space("ofa-mbv3", width=1.0, resolution=224)
    >>> genes = space.sample(3, np.random.default_rng(0))
    >>> lut = "cpu-onnxruntime-fp32-ofa-mbv3-w1.0-r224"
    >>> predictions = predict(lut, (space, genes), budget="60ms")
    >>> [prediction.within_budget for prediction in predictions]
    [True, True, True]
    """
    model = open_cost_model(lut, clock)
    named = named_archs(archs)
    budget_ms = None if budget is None else parse_milliseconds(budget)
    if budget_ms is not None:
        _require_budget(model, budget_ms, _distinct(named))
    if isinstance(speed, str):
        speed = _speed(speed, model, named, Target.of(device), progress)
    return Predictions(_predictions(model, named, budget_ms, speed), model)


def _speed(
    name: str,
    model: CostModel,
    archs: Sequence[NamedArch],
    target: Target,
    progress: BuildProgress | None,
) -> Speed:
    if name == "table":
        return TABLE_SPEED
    if name == "today":
        return todays(model, archs[0].space, target, progress)
    raise UsageError(f"speed is {name!r}, expected 'table' or 'today'")


def todays(
    model: CostModel, space: Space, target: Target, progress: BuildProgress | None = None
) -> Speed:
    """Today's speed, timed on the device of a table.

    Args:
        space: of the networks that the sentinel takes turns with.
        target: what it does not say is as the table was measured.

    Raises:
        UsageError: it cannot be told, saying why.
        DeviceError: the device cannot be used.
    """
    if not isinstance(model, LookupTable) or model.sentinel is None:
        raise UsageError(
            f"{model.name!r} keeps no sentinel: today's speed cannot be told",
            "Leave out --speed, or take a table measured on this device: nasprof build-lut.",
        )
    # What measures is not loaded for predictions, which are over in less time than that takes.
    from profiler.measuring.speed import todays_speed
    from profiler.tables.backend import plan_of
    from profiler.tables.measured import measure_genes
    from profiler.tables.provenance import conditions_of

    backend = target.resolve(conditions_of(model))
    plan = plan_of(model, space, backend)
    logger.info(f"Timing the sentinel on {backend.profile.name!r}")
    speeds = todays_speed(
        model, space, lambda genes: measure_genes(backend, plan, space, genes, progress)
    )
    if speeds is None or model.clock not in speeds:
        raise UsageError(
            f"the sentinel of {model.name!r} is another network than today's",
            "Measure the table anew: nasprof build-lut --fresh.",
        )
    return speeds[model.clock]


def _require_budget(model: CostModel, budget_ms: float, spaces: Sequence[Space]) -> None:
    """Refuse a budget that no network of any of the spaces meets."""
    impossible = []
    for space in spaces:
        try:
            model.require_budget(budget_ms, space)
        except BudgetImpossible as error:
            impossible.append(error)
    if impossible and len(impossible) == len(spaces):
        raise impossible[0]
    for refusal in impossible:
        logger.warning(refusal.message)


def _distinct(archs: Iterable[NamedArch]) -> list[Space]:
    distinct: list[Space] = []
    for arch in archs:
        if arch.space not in distinct:
            distinct.append(arch.space)
    return distinct


def _predictions(
    model: CostModel, archs: Sequence[NamedArch], budget_ms: float | None, speed: Speed
) -> list[Prediction]:
    random, chosen = (
        {level: bound.at_speed(speed) for level, bound in bounds.items()}
        for bounds in (model.bounds(), model.answer_bounds())
    )
    return [
        Prediction(
            name=arch.name,
            space=arch.space.label,
            latency_ms=predicted_ms * speed.factor,
            speed=speed,
            upper_ms={level: bound.upper(predicted_ms) for level, bound in random.items()},
            answer_upper_ms={level: bound.upper(predicted_ms) for level, bound in chosen.items()},
            budget_ms=budget_ms,
        )
        for arch, predicted_ms in zip(archs, _latency_ms(model, archs).tolist(), strict=True)
    ]


def _latency_ms(model: CostModel, archs: Sequence[NamedArch]) -> Array:
    """At the model's own speed: ``(n,)``."""
    latency_ms = np.empty(len(archs))
    for space in _distinct(archs):
        indices = [index for index, arch in enumerate(archs) if arch.space == space]
        genes = space.encode([archs[index].arch for index in indices])
        latency_ms[indices] = model.latency_ms(genes, space)
    return latency_ms
