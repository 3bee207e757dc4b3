"""Today's speed and measured answers for commands, which say what is doubtful about them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nasprof.cli import say
from nasprof.errors import UsageError

if TYPE_CHECKING:
    from luts import Speed
    from profiler.measuring.records import Measurement
    from profiler.tables.plan import Plan
    from search.answers.deployment import Deployment
    from search.answers.inquiry import Inquiry
    from search.answers.verify import Candidates, Verification
    from spaces import Genes

_USUAL = 1.15
"""Ratio of two latencies or speeds that is nothing to be told of."""


def speed_for(site: Deployment, asked: str | None, measuring: bool) -> Speed:
    """The speed that answers are of: today's where it can be told, unless said otherwise.

    Args:
        measuring: whether answers will be measured on the device, so that it may be contacted.

    Raises:
        UsageError: today's was asked for and cannot be told, saying why.
    """
    from luts import TABLE_SPEED

    if asked == "table" or (asked is None and not (site.local or measuring)):
        return TABLE_SPEED
    from devices import DeviceError
    from profiler.commands.building import building_progress
    from profiler.measuring.measure import Cancelled, Interrupted

    if site.backend is None:
        return _table_speed(f"no device is called {site.name!r}", asked)
    if site.changed:
        return _table_speed("the device is not as it was when the table was measured", asked)
    say(f"Timing the sentinel on {site.name!r}")
    try:
        speed = site.speed(building_progress())
    except Cancelled:
        raise
    except (DeviceError, Interrupted) as error:
        return _table_speed(error.message, asked)
    if speed is None:
        return _table_speed(f"{site.trade_off.cost.name!r} keeps no sentinel of its own", asked)
    if speed.is_far:
        say(
            f"Careful: {site.name!r} takes {speed.factor:.2f} times as long as when its table was "
            "measured. Wait until it is as it was, or nasprof build-lut --fresh"
        )
    return speed


def _table_speed(why: str, asked: str | None) -> Speed:
    from luts import TABLE_SPEED

    if asked is not None:
        raise UsageError(
            f"today's speed cannot be told: {why}",
            "Take --speed table, or a table measured on this device: nasprof build-lut.",
        )
    say(f"Latencies are at the table's speed: {why}")
    return TABLE_SPEED


def verified(
    inquiry: Inquiry, candidates: list[Candidates], plan: Plan | None, top: int
) -> Verification:
    """The candidates measured as planned, if they are to be; says on stderr what went wrong."""
    from profiler.commands.building import building_progress
    from search.answers.verify import Stated, Verification, verify

    site, speed = inquiry.site, inquiry.speed
    cost = site.trade_off.cost
    sentinel = getattr(cost, "sentinel", None) if speed.of == "today" else None
    stated = Stated(cost.clock, sentinel, speed.factor)
    if plan is None:
        return Verification(stated, top)

    def take(genes: Genes) -> list[Measurement]:
        return site.measure(genes, plan, building_progress())

    say(f"Measuring the answers on {site.name!r}")
    found = verify(candidates, stated, take, inquiry.again, top=top)
    if found.ended is not None:
        why = getattr(found.ended, "message", "interrupted")
        say(f"Verifying ended early ({why}): answers that were not measured are predictions")
    _doubt(site, found, candidates)
    return found


def _doubt(site: Deployment, found: Verification, candidates: list[Candidates]) -> None:
    """Say where measured latencies are far from predicted ones, or are doubtful themselves."""
    from statistics import median

    flags = {flag for each in found.measurements.values() for flag in each.flags}
    if flags:
        say(f"Doubts about what was measured: {', '.join(sorted(flags))}")
    drift = found.drift()
    if drift is not None and not 1 / _USUAL < drift < _USUAL:
        say(
            f"While answers were measured {site.name!r} took {drift:.2f} times as long as stated; "
            "measured latencies are brought to the speed stated by the sentinel"
        )
    ratios = found.ratios(candidates)
    if not ratios or 1 / _USUAL < median(ratios) < _USUAL:
        return
    cost = site.trade_off.cost
    say(f"Careful with {cost.name!r}: networks take {median(ratios):.2f} times what it predicts")
    if site.changed:
        say("Measure a table of this device as it is: leave out --lut, or nasprof build-lut")
    elif not flags:
        say(f"Calibrate it anew: nasprof audit {getattr(cost, 'path', None) or cost.name} --update")
