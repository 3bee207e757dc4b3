"""Latency that is measured: every architecture asked for is run on the device."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from devices import Backend, Target
from devices.contention import BESIDE
from nasprof.errors import NasprofError
from nasprof.log import logger
from nasprof.temporary import TemporaryFolder
from nasprof.typing import Array, JsonObject
from profiler.measuring.interruption import Interrupted
from profiler.measuring.protocol import parse_protocol
from profiler.measuring.records import Measurement
from profiler.model_files.architectures import NamedArch
from profiler.model_files.formats import format_for
from profiler.model_files.lowered import LoweringOptions, lower_arch
from profiler.model_files.model_file import ModelFile
from profiler.tables.measured import measure_beside_sentinel
from profiler.tables.plan import Plan
from profiler.tables.progress import BuildProgress
from profiler.tables.workshop import Workshop
from search.objectives.base import NamedObjective
from search.objectives.models import Models
from search.problem import Objective
from spaces import Genes, Space
from supernets.checkpoint import read_supernet

if TYPE_CHECKING:
    from supernets import SupernetWeights

_REPEATS = 2
"""How often what is in doubt is measured again."""


@dataclass(frozen=True)
class OnDevice:
    """Measures architectures of one space on a device, which is opened each time.

    Args:
        plan: protocol, precision, batch and seed.
        clock: "wall" or "cpu".
        supernet: whose weights they have; random ones unless given.
    """

    backend: Backend
    space: Space
    plan: Plan
    clock: str
    supernet: SupernetWeights | None = None

    def latency_ms(self, genes: Genes) -> Array:
        """Trimmed means in ms of architectures measured together: ``(n,)``.

        Those in doubt, as where the device has changed its speed, are measured again, up to
        twice; what is in doubt even then is taken as it is, which is said.

        Raises:
            DeviceError: the device cannot be used, or was lost.
            NasprofError: it has no such clock.
        """
        if not len(genes):
            return np.zeros(0)
        with TemporaryFolder() as folder:
            shop = Workshop(self.plan, format_for(self.backend.settings.runtime), folder)
            items = self._files(shop, genes)
            measurements = self._measured(shop, items)
            for _ in range(_REPEATS):
                doubtful = [item for item in items if self._doubts(measurements[item.name])]
                if doubtful:
                    measurements |= self._measured(shop, doubtful)
        for measurement in measurements.values():
            self._warn(measurement)
        return np.array([self._time(measurement) for measurement in measurements.values()])

    def _files(self, shop: Workshop, genes: Genes) -> list[ModelFile]:
        """A model file of each network."""
        if self.supernet is None:
            names = [f"network{number}" for number in range(len(genes))]
            networks = [self.space.network(row) for row in genes]
            return shop.files(dict(zip(names, networks, strict=True)), {})
        options = LoweringOptions(
            self.plan.precision, self.plan.batch, seed=self.plan.seed, supernet=self.supernet
        )
        files = []
        for number, row in enumerate(genes):
            ((member, _, own),) = self.space.by_member(row[None])
            named = NamedArch(f"network{number}", member, member.decode(own)[0])
            written = lower_arch(named, shop.format, options, shop.folder)
            files.append(ModelFile(named.name, written.path, None, {"weights": options.source}))
        return files

    def _measured(self, shop: Workshop, items: list[ModelFile]) -> dict[str, Measurement]:
        """Measurements of model files in the same rounds, by their names."""
        try:
            # Nobody is told how long it will take, so that there is nothing to scout for.
            progress = BuildProgress(estimating=False)
            measurements = measure_beside_sentinel(self.backend, shop, items, progress)
        except Interrupted as error:
            raise error.cause from None
        return {measurement.name: measurement for measurement in measurements}

    def _doubts(self, measurement: Measurement) -> list[str]:
        """Flags that matter by the clock: waiting does not count as CPU time."""
        return [flag for flag in measurement.flags if self.clock != "cpu" or flag not in BESIDE]

    def _warn(self, measurement: Measurement) -> None:
        """Say what is in doubt in spite of all repetitions."""
        if doubts := self._doubts(measurement):
            device = self.backend.profile.name
            logger.warning(
                f"A network was measured {1 + _REPEATS} times on {device!r}, and is still in "
                f"doubt ({', '.join(doubts)}): the last of these is taken"
            )

    def _time(self, measurement: Measurement) -> float:
        settings = self.backend.settings
        if self.clock not in measurement.by_clock:
            raise NasprofError(
                f"{self.backend.profile.name!r} tells no {self.clock} times of "
                f"{settings.runtime} with {settings.threads} threads",
                "Leave out --clock.",
            )
        return measurement.by_clock[self.clock]

    def facts(self) -> JsonObject:
        """What times depend on, as JSON values; of a device elsewhere it is not contacted."""
        now = self.backend.conditions(
            precision=self.plan.precision, clock=self.clock, contact=False
        )
        return {
            **now.to_dict(),
            "serial": self.backend.profile.options.get("serial"),
            "protocol": self.plan.protocol.to_dict(),
            **({} if self.supernet is None else {"supernet": Path(self.supernet.path).name}),
        }


@dataclass(frozen=True)
class MeasuredLatency(NamedObjective):
    """Latency in ms as it is measured by the device's own protocol.

    Args:
        target: the device.
        models: tell precision and clock.
    """

    form: ClassVar[str] = "latency_measured[@DEVICE[/SERIAL]]"

    target: Target
    models: Models

    @classmethod
    def of(cls, name: str, detail: str | None, models: Models) -> Self:
        return cls(name, models.target_of(name, detail), models)

    def objective(self, space: Space) -> Objective:
        backend, precision = self.target.resolve(), self.models.precision or "fp32"
        plan = Plan((space,), parse_protocol(backend.profile.protocol), precision)
        clock, supernet = self.models.clock or "wall", self.models.supernet
        if supernet is not None:
            read_supernet(supernet.path, space)  # refuses one that does not fit
        measured = OnDevice(backend, space, plan, clock, supernet)
        return Objective(
            self.name,
            "ms",
            measured.latency_ms,
            kind="evaluated",
            facts=measured.facts(),
            device=backend.label,
        )
