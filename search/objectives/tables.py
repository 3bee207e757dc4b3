"""One's own tables of the devices that objectives name."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from luts import CostModel, LookupTable
from nasprof.cli import say
from nasprof.errors import NasprofError, UsageError
from search.delivery.site import _command, _conditions, _known, _own_table
from search.objectives.base import Sources
from search.objectives.models import Spot
from spaces import Space

if TYPE_CHECKING:
    from devices import Profile, RunSettings
    from profiler.commands.target import Target
    from profiler.plan import Plan


def own_table(spot: Spot, space: Space, sources: Sources) -> LookupTable:
    """One's own table of a device; of the one in this machine it is built first.

    Says on stderr what is doubtful about it.

    Raises:
        NasprofError: there is none, and the device is elsewhere; with the command to run.
    """
    from profiler.cost_models import say_doubts
    from profiler.plan import Plan
    from profiler.protocol import parse_protocol

    target, profile = spot.target, spot.profile
    settings = target.settings(profile)
    protocol = parse_protocol(profile.table_protocol)
    plan = Plan((space,), protocol, sources.precision or "fp32")
    if spot.serial is None:
        table = _own_table(target, profile, settings, plan, sources.clock or "wall")
    else:
        table = _table_of_one(spot, profile, settings, plan)
    table = table if sources.clock is None else table.on_clock(sources.clock)
    say_doubts(table)
    _say_changes(table, profile, settings, target)
    return table


def _table_of_one(spot: Spot, profile: Profile, settings: RunSettings, plan: Plan) -> LookupTable:
    """The table of one of several devices, which has the serial in its name."""
    from profiler.commands.building import existing_table

    name = re.sub(r"[^\w.]+", "-", f"{profile.name}-{spot.serial}")
    path = plan.path(replace(profile, name=name), settings)
    table, (space,) = existing_table(path), plan.spaces
    if table is not None and space in table.spaces and not table.missing(space):
        return table
    command = f"{_command(spot.target, settings, plan)} -o {shlex.quote(path.stem)}"
    raise NasprofError(
        f"there is no lookup table of {spot.place} for {space.label} ({path})",
        f"Measure one: {command}",
    )


def say_changes(cost: CostModel, target: Target) -> None:
    """Say on stderr where a cost model was measured otherwise than the target is now.

    What the target does not say is as the cost model's provenance has it.

    Raises:
        UsageError: no device has the name that the target gives.
    """
    try:
        profile = target.profile(default=_known(cost, "device", str) or "cpu")
    except UsageError:
        if target.device_name is not None:
            raise
        return
    settings = target.settings(profile, _known(cost, "runtime", str))
    if target.threads is None:
        settings = replace(settings, threads=_known(cost, "threads", int) or settings.threads)
    _say_changes(cost, profile, settings, target)


def _say_changes(cost: CostModel, profile: Profile, settings: RunSettings, target: Target) -> None:
    from profiler.provenance import changes

    changed = changes(cost, _conditions(target.device(profile), settings))
    if changed:
        say(f"Careful with {cost.name!r}: it was measured otherwise: {'; '.join(changed)}")
