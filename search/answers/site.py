"""Where a search is for: a trade-off, and the device that its latencies are of.

The cost model is the one that was named; else the user's own table of the device, which is built
first where the device is in this machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from devices import Target
from luts import CostModel
from profiler.tables.bench import plan_of
from profiler.tables.plan import Plan
from search.accuracy.base import AccuracyModel
from search.answers.own_table import OwnTable
from search.answers.place import place_of
from search.objectives.trade_off import TradeOff
from spaces import Space
from spaces.predictor import SpaceMismatch

if TYPE_CHECKING:
    from devices import Device, RunSettings


@dataclass(frozen=True)
class Site:
    """A trade-off and the device that its latencies are of.

    Args:
        name: of the device.
        device: None where no profile has that name.
        settings: how models are run there as the cost model has it; None without a device.
        plan: how the cost model was measured, as far as it tells.
        changed: what is different now from when the cost model was measured, in words.
    """

    trade_off: TradeOff
    name: str
    device: Device | None = None
    settings: RunSettings | None = None
    plan: Plan | None = None
    changed: tuple[str, ...] = ()

    @property
    def local(self) -> bool:
        """Whether the device is in this machine."""
        return self.device is not None and self.device.local


def space_at(accuracy: AccuracyModel, resolution: int | None) -> Space | None:
    """The only space of an accuracy model, or the one of that resolution; None if it has several.

    Raises:
        SpaceMismatch: it has none of that resolution.
    """
    fitting = [
        space
        for space in accuracy.spaces
        if resolution is None or space.settings.get("resolution") == resolution
    ]
    if not fitting:
        known = ", ".join(space.label for space in accuracy.spaces)
        raise SpaceMismatch(
            f"accuracy model {accuracy.name!r} is of {known}, not of resolution {resolution}",
            accuracy.alternative,
        )
    return fitting[0] if len(fitting) == 1 else None


def site_of(
    cost: CostModel,
    accuracy: AccuracyModel,
    target: Target,
    *,
    resolution: int | None = None,
) -> Site:
    """The site of a cost model that was named.

    What the target does not say is as the cost model's provenance has it.

    Raises:
        SpaceMismatch: the models know no common space, or several.
        UsageError: no device has the name that the target gives.
    """
    trade_off = TradeOff.of(accuracy, cost, space_at(accuracy, resolution))
    place = place_of(cost, target)
    plan = None if place.device is None else plan_of(cost, trade_off.space, place.device)
    return Site(trade_off, place.name, place.device, place.settings, plan, place.changed)


def own_site(
    accuracy: AccuracyModel,
    target: Target,
    *,
    resolution: int | None = None,
    precision: str = "fp32",
    clock: str | None = None,
) -> Site:
    """The site of the user's own table of a device, which is built first on this machine.

    Raises:
        NasprofError: there is no table, and the device is elsewhere; with the command to run.
        SpaceMismatch: the accuracy model has several spaces and no resolution was named.
    """
    space = accuracy.space_of(space_at(accuracy, resolution))
    table = OwnTable(target, space, precision).read(clock)
    return site_of(table, accuracy, target, resolution=resolution)
