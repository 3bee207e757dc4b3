"""Where a search is for: a trade-off, and the device that its latencies are of.

The cost model is the one that was named; else the user's own table of the device, which is built
first where the device is in this machine.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from luts import CostModel, LookupTable
from luts.build_command import build_command
from nasprof.cli import say
from nasprof.errors import NasprofError, UsageError
from profiler.plan import Plan
from profiler.protocol import parse_protocol
from profiler.provenance import changes, protocol_of
from search.accuracy.base import AccuracyModel
from search.problem import TradeOff
from spaces import Space
from spaces.predictor import SpaceMismatch

if TYPE_CHECKING:
    from devices import Device, Profile, RunSettings
    from profiler.commands.target import Target


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
    named = _known(cost, "device", str)
    try:
        profile = target.profile(default=named or "cpu")
    except UsageError:
        if target.device_name is not None:
            raise
        return Site(trade_off, named or "unknown")
    device = target.device(profile)
    settings = target.settings(profile, _known(cost, "runtime", str))
    if target.threads is None:
        settings = replace(settings, threads=_known(cost, "threads", int) or settings.threads)
    plan = Plan(
        (trade_off.space,),
        protocol_of(cost) or parse_protocol(profile.table_protocol),
        precision=_known(cost, "precision", str) or "fp32",
        batch=_known(cost, "batch", int) or 1,
    )
    changed = changes(cost, _conditions(device, settings))
    return Site(trade_off, profile.name, device, settings, plan, tuple(changed))


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
    profile = target.profile()
    settings = target.settings(profile)
    plan = Plan((space,), parse_protocol(profile.table_protocol), precision)
    table = _own_table(target, profile, settings, plan, clock or "wall")
    return site_of(
        table if clock is None else table.on_clock(clock), accuracy, target, resolution=resolution
    )


def _own_table(
    target: Target, profile: Profile, settings: RunSettings, plan: Plan, clock: str
) -> LookupTable:
    from profiler.commands.building import build_and_keep, existing_table

    path = plan.path(profile, settings)
    table = existing_table(path)
    if table is not None and plan.spaces[0] in table.spaces and not table.missing(plan.spaces[0]):
        return table
    device = target.device(profile)
    if not device.local:
        raise NasprofError(
            f"there is no lookup table of {profile.name!r} for {plan.spaces[0].label} ({path})",
            f"Measure one: {_command(target, settings, plan)}",
        )
    say(f"Measuring the blocks of {plan.spaces[0].label} on {profile.name!r} first, into {path}")
    built = build_and_keep(device, settings, plan, path, table, clock=clock)
    say(f"Table written to {path}")
    return built.located(path)


def _command(target: Target, settings: RunSettings, plan: Plan) -> str:
    """The command line that builds the table which was looked for."""
    facts = {
        "device": target.device_name,
        "runtime": settings.runtime,
        "threads": settings.threads,
        "precision": plan.precision,
    }
    serial = [] if target.serial is None else ["--serial", shlex.quote(target.serial)]
    return " ".join([build_command(facts, plan.spaces[0]), *serial])


def _conditions(device: Device, settings: RunSettings) -> dict[str, Any]:
    """What a table depends on that is known without contacting a device elsewhere."""
    here = {"device_fingerprint": device.fingerprint()} if device.local else {}
    return {
        "device": device.profile.name,
        **here,
        "runtime": settings.runtime,
        "threads": settings.threads,
    }


def _known(cost: CostModel, name: str, kind: type) -> Any:
    value = cost.provenance.get(name)
    return value if type(value) is kind else None


def warn_of_changes(site: Site) -> None:
    """Say on stderr where the cost model was measured otherwise than the device is now."""
    if site.changed:
        name = site.trade_off.cost.name
        say(f"Careful with {name!r}: it was measured otherwise: {'; '.join(site.changed)}")
