"""A device as a place to measure architectures as those of a table were measured."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TypeAlias

from devices import Device, RunSettings
from luts import CostModel
from nasprof.temporary import TemporaryFolder
from profiler.measuring.protocol import parse_protocol
from profiler.measuring.records import Measurement
from profiler.model_files.formats import format_for
from profiler.tables.build import BuildProgress, measure_items
from profiler.tables.plan import Plan
from profiler.tables.provenance import conditions_of, protocol_of
from profiler.tables.workshop import Workshop
from spaces import Genes, Space

Told: TypeAlias = AbstractContextManager[BuildProgress]


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
            DeviceError, Interrupted: as :func:`profiler.measuring.measure.measure`.
        """
        names = [f"answer{number}" for number in range(len(genes))]
        networks = dict(zip(names, map(self.space.network, genes), strict=True))
        archs = dict(zip(names, self.space.decode(genes), strict=True))
        with TemporaryFolder() as folder, told as progress:
            form = format_for(self.settings.runtime)
            shop = Workshop(self.plan, form, folder, progress.lowered)
            items = shop.items(networks, archs)
            return measure_items(self.device, self.settings, shop, items, progress)


def plan_of(cost: CostModel, space: Space, device: Device) -> Plan:
    """How a cost model was measured, as far as it tells; else as its device's profile has it."""
    conditions = conditions_of(cost)
    return Plan(
        (space,),
        protocol_of(cost) or parse_protocol(device.profile.table_protocol),
        precision=conditions.precision or "fp32",
        batch=conditions.batch or 1,
    )
