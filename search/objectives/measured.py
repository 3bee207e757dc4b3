"""Latency that is measured: every architecture asked for is run on the device."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from nasprof.errors import NasprofError
from search.objectives.base import Sources, Wanted
from search.objectives.models import Models, Spot
from search.problem import Array, Objective
from spaces import Genes, Space

if TYPE_CHECKING:
    from devices import Profile, RunSettings
    from profiler.plan import Plan
    from profiler.records import Measurement


@dataclass(frozen=True)
class OnDevice:
    """Measures architectures of one space on a device, which is opened each time.

    Args:
        plan: protocol, precision, batch and seed.
        clock: "wall" or "cpu".
    """

    profile: Profile
    settings: RunSettings
    space: Space
    plan: Plan
    clock: str

    def latency_ms(self, genes: Genes) -> Array:
        """Trimmed means in ms of architectures measured together: ``(n,)``.

        Raises:
            DeviceError: the device cannot be used, or was lost.
            NasprofError: it has no such clock.
        """
        from devices import open_device
        from profiler.build import Progress
        from profiler.measure import Interrupted
        from search.delivery.bench import Bench

        if not len(genes):
            return np.zeros(0)
        bench = Bench(open_device(self.profile), self.settings, self.space, self.plan)
        try:
            taken = bench.measure(genes, nullcontext(Progress()))
        except Interrupted as error:
            raise error.cause from None
        return np.array([self._time(each) for each in taken])

    def _time(self, taken: Measurement) -> float:
        if self.clock not in taken.by_clock:
            raise NasprofError(
                f"{self.profile.name!r} tells no {self.clock} times of "
                f"{self.settings.runtime} with {self.settings.threads} threads",
                "Leave out --clock.",
            )
        return taken.by_clock[self.clock]

    def facts(self) -> dict[str, Any]:
        """What times depend on, as JSON values; of a device elsewhere it is not contacted."""
        from devices import open_device
        from profiler.conditions import Conditions

        now = Conditions.of(open_device(self.profile), self.settings, contact=False)
        return {
            **now.as_dict(),
            "serial": self.profile.options.get("serial"),
            "precision": self.plan.precision,
            "clock": self.clock,
            "protocol": self.plan.protocol.as_dict(),
        }


@dataclass(frozen=True)
class MeasuredLatency(Wanted):
    """Latency in ms as it is measured by the device's own protocol.

    Args:
        spot: the device.
    """

    form: ClassVar[str] = "latency_measured[@DEVICE[/SERIAL]]"

    spot: Spot
    sources: Sources

    @classmethod
    def of(cls, name: str, detail: str | None, models: Models) -> Self:
        return cls(name, models.spot(name, detail), models.sources)

    def objective(self, space: Space) -> Objective:
        from profiler.plan import Plan
        from profiler.protocol import parse_protocol

        profile, precision = self.spot.profile, self.sources.precision or "fp32"
        plan = Plan((space,), parse_protocol(profile.protocol), precision)
        settings = self.spot.target.settings(profile)
        measured = OnDevice(profile, settings, space, plan, self.sources.clock or "wall")
        return Objective(
            self.name,
            "ms",
            measured.latency_ms,
            kind="evaluated",
            facts=measured.facts(),
            place=self.spot.place,
        )
