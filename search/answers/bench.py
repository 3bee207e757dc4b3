"""The device of a site as a place to measure architectures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from luts import LookupTable, Speed
from profiler.measuring.protocol import Protocol
from profiler.measuring.speed import todays_speed
from profiler.tables.bench import Bench, Told
from search.answers.site import Site

ROUNDS = 2
"""How many times the rounds of a table's protocol: a few networks are over sooner than a table."""


def bench_of(site: Site, protocol: Protocol | None = None) -> Bench | None:
    """The bench of a site, None where its device is not known.

    Args:
        protocol: how to measure; as the table was, in more rounds, unless given.
    """
    if site.device is None or site.settings is None or site.plan is None:
        return None
    known = site.plan.protocol
    more = replace(
        known, rounds_min=ROUNDS * known.rounds_min, rounds_max=ROUNDS * known.rounds_max
    )
    plan = replace(site.plan, protocol=protocol or more)
    return Bench(site.device, site.settings, site.trade_off.space, plan)


def speed_at(site: Site, bench: Bench, told: Callable[[], Told]) -> Speed | None:
    """Today's speed on the table's clock; None where the cost model keeps no such sentinel.

    Raises:
        DeviceError, Interrupted: as :func:`profiler.measuring.measure.measure`.
    """
    table = site.trade_off.cost
    if not isinstance(table, LookupTable) or site.plan is None:
        return None
    # As many rounds as the table's: only the sentinel is of interest, and it is in all of them.
    timing = replace(bench, plan=site.plan)
    speeds = todays_speed(table, bench.space, lambda genes: timing.measure(genes, told()))
    return None if speeds is None else speeds.get(table.clock)
