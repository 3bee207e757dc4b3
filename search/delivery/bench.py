"""The device of a site as a place to measure architectures."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from devices import Device, RunSettings
from luts import LookupTable, Speed
from profiler.build import Progress, measure_items
from profiler.models import format_for
from profiler.plan import Plan
from profiler.protocol import Protocol
from profiler.records import Measurement
from profiler.speed import todays_speed
from profiler.workshop import Workshop
from search.delivery.site import Site
from spaces import Genes, Space

ROUNDS = 2
"""How many times the rounds of a table's protocol: a few networks are over sooner than a table."""

Told: TypeAlias = AbstractContextManager[Progress]


@dataclass(frozen=True)
class Bench:
    """Measures architectures of one space as those of a table were measured.

    Args:
        plan: protocol, precision, batch and seed.
    """

    device: Device
    settings: RunSettings
    space: Space
    plan: Plan

    def measure(self, genes: Genes, told: Told) -> list[Measurement]:
        """Measure architectures ``(n, n_genes)`` together, named ``answer0``, ``answer1``, ...

        Raises:
            DeviceError, Interrupted: as :func:`profiler.measure.measure`.
        """
        names = [f"answer{number}" for number in range(len(genes))]
        networks = dict(zip(names, map(self.space.network, genes), strict=True))
        archs = dict(zip(names, self.space.decode(genes), strict=True))
        with tempfile.TemporaryDirectory(prefix="nasprof-") as folder, told as progress:
            form = format_for(self.settings.runtime)
            shop = Workshop(self.plan, form, Path(folder), progress.lowered)
            items = shop.items(networks, archs)
            return measure_items(self.device, self.settings, shop, items, progress)


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
        DeviceError, Interrupted: as :func:`profiler.measure.measure`.
    """
    table = site.trade_off.cost
    if not isinstance(table, LookupTable) or site.plan is None:
        return None
    # As many rounds as the table's: only the sentinel is of interest, and it is in all of them.
    timing = replace(bench, plan=site.plan)
    speeds = todays_speed(table, bench.space, lambda genes: timing.measure(genes, told()))
    return None if speeds is None else speeds.get(table.clock)
