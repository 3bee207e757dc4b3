"""Where objectives get their models: each is read once, and what is doubtful about it said once."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from devices import Target, open_device
from luts import CostModel
from nasprof.errors import UsageError
from nasprof.log import logger
from search.accuracy.base import AccuracyModel
from search.objectives.base import Sources, near
from spaces import Space

if TYPE_CHECKING:
    from devices import Profile

_PLACE = re.compile(r"(.*?\.toml|[^/]+)(?:/(.+))?")


@dataclass(frozen=True)
class Spot:
    """A device that an objective is of.

    Args:
        target: the device, and what was said about running models on it.
        profile: the device's.
        serial: which one of several, where the objective's name says so.
    """

    target: Target
    profile: Profile
    serial: str | None = None

    @property
    def place(self) -> str:
        """``DEVICE``, or ``DEVICE/SERIAL`` where its serial is known."""
        serial = self.profile.options.get("serial")
        return self.profile.name if serial is None else f"{self.profile.name}/{serial}"


@dataclass(frozen=True)
class Models:
    """The models of one set of objectives.

    Args:
        sources: as the command line names them.
    """

    sources: Sources
    _accuracies: dict[str, AccuracyModel] = field(default_factory=dict)
    _costs: dict[str, CostModel] = field(default_factory=dict)

    def accuracy(self, name: str) -> AccuracyModel:
        """The accuracy model of that name, or in that file.

        Raises:
            UsageError: there is none, or it is damaged.
        """
        if name not in self._accuracies:
            from search.accuracy import read_accuracy_model

            model = self._accuracies[name] = read_accuracy_model(name)
            for doubt in model.doubts:
                logger.warning(f"Careful with {model.name!r}: {doubt}")
        return self._accuracies[name]

    def cost(self, name: str) -> CostModel:
        """The cost model of that name, or in that file, on the clock asked for.

        Raises:
            UsageError: there is none, it is damaged, or it knows nothing of that clock.
        """
        if name not in self._costs:
            from profiler.tables.cost_models import open_cost_model
            from search.answers.place import place_of, warn_of_changes

            model = self._costs[name] = open_cost_model(name, self.sources.clock)
            said = self.sources.target
            target = said if name == self.sources.lut else Target()
            warn_of_changes(model, place_of(model, target).changed)
        return self._costs[name]

    def own_table(self, spot: Spot, space: Space) -> CostModel:
        """One's own table of a device; of one in this machine it is built first.

        Raises:
            NasprofError: there is none, and the device is elsewhere; with the command to run.
        """
        key = f"{spot.place} {spot.serial} {space.settings}"
        if key not in self._costs:
            from profiler.tables.cost_models import say_doubts
            from search.answers.own_table import OwnTable
            from search.answers.place import Place, warn_of_changes

            own = OwnTable(spot.target, space, self.sources.precision or "fp32", spot.serial)
            table = self._costs[key] = own.read(self.sources.clock)
            say_doubts(table)
            warn_of_changes(table, Place.now(table, own.device, own.settings).changed)
        return self._costs[key]

    def spot(self, name: str, detail: str | None) -> Spot:
        """The device that an objective names as ``DEVICE`` or ``DEVICE/SERIAL``; else the target.

        Threads, affinity and the like are said of the target's device, and of every device where
        the target names none.

        Raises:
            UsageError: there is no such device, or it has no serials.
        """
        target = self.sources.target
        if detail is None:
            return Spot(target, target.profile())
        device, serial = _split(detail)
        if not is_device(detail):
            raise UsageError(
                f"objective {name!r}: no device is called {device!r}",
                near(device, known_devices()),
            )
        if target.device not in (None, device):
            target = Target()
        target = replace(target, device=device, serial=serial or target.serial)
        profile = target.profile()
        open_device(profile)  # refuses options that it has no use for, such as a serial
        return Spot(target, profile, serial)


def known_devices() -> list[str]:
    """Names of every profile."""
    from devices import list_profiles

    return list(list_profiles())


def is_device(detail: str) -> bool:
    """Whether ``detail`` names a device, with or without a serial."""
    device = _split(detail)[0]
    return device.endswith(".toml") or device in known_devices()


def _split(detail: str) -> tuple[str, str | None]:
    """Device and serial."""
    match = _PLACE.fullmatch(detail)
    return (detail, None) if match is None else (match[1], match[2])
