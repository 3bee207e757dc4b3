"""The models that objectives are made from: each is read once, and its doubts are said once."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from devices import Target, list_profiles
from luts import CostModel
from luts.files import open_cost_model, warn_of_doubts
from nasprof.errors import UsageError
from nasprof.log import logger
from nasprof.registry import near_names
from nasprof.typing import Progress
from profiler.tables.backend import backend_of, changes_at, warn_of_changes
from profiler.tables.own import OwnTable
from search.accuracy import read_accuracy_model
from search.accuracy.base import AccuracyModel
from spaces import Space

if TYPE_CHECKING:
    from profiler.tables.progress import BuildProgress
    from search.objectives.images import LabelledImages
    from supernets import SupernetWeights

_DEVICE = re.compile(r"(.*?\.toml|[^/]+)(?:/(.+))?")


@dataclass(frozen=True)
class Models:
    """Which models objectives are made from where their names do not say it, and those read.

    Args:
        target: the device of objectives that name none, and how models are run on it.
        accuracy: of a bare ``top1``: an accuracy model's name or file, a supernet's file, or
            ``module:function``.
        lut: cost model of a bare ``latency``: a name or a file; one's own table of the target
            unless given.
        space: the space, where nothing else tells it.
        resolution: input pixels, where the models know several.
        precision: of one's own tables and of what is measured; fp32 unless given.
        clock: "wall" or "cpu"; that of each cost model unless given.
        confidence: of upper bounds.
        progress: told how far building a table of one's own has come.
        images: that the networks of supernets are evaluated on.
        reading: told how many of these have been looked at.
        supernet: whose weights networks have that are measured; random ones unless given.

    Raises:
        UsageError: clock or confidence make no sense.

    >>> Models(accuracy="imagenet").accuracy_model("imagenet").kind
    'kernel'
    """

    target: Target = field(default_factory=Target)
    accuracy: str = "imagenet"
    lut: str | None = None
    space: Space | None = None
    resolution: int | None = None
    precision: str | None = None
    clock: str | None = None
    confidence: float = 0.95
    progress: BuildProgress | None = None
    images: LabelledImages | None = None
    reading: Progress | None = None
    supernet: SupernetWeights | None = None
    _accuracies: dict[str, AccuracyModel] = field(default_factory=dict, init=False, repr=False)
    _costs: dict[str, CostModel] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.clock not in (None, "wall", "cpu"):
            raise UsageError(f"clock is {self.clock!r}, expected 'wall' or 'cpu'")
        if not 0 < self.confidence < 1:
            raise UsageError(f"confidence is {self.confidence}, expected a number from 0 to 1")

    def accuracy_model(self, name: str) -> AccuracyModel:
        """The accuracy model of that name, or in that file.

        Raises:
            UsageError: there is none, or it is damaged.
        """
        if name not in self._accuracies:
            model = self._accuracies[name] = read_accuracy_model(name)
            for doubt in model.doubts:
                logger.warning(f"Careful with {model.name!r}: {doubt}")
        return self._accuracies[name]

    def cost_model(self, name: str) -> CostModel:
        """The cost model of that name, or in that file, on the clock asked for.

        Raises:
            UsageError: there is none, it is damaged, or it knows nothing of that clock.
        """
        if name not in self._costs:
            model = self._costs[name] = open_cost_model(name, self.clock)
            target = self.target if name == self.lut else Target()
            backend = backend_of(model, target)
            if backend is not None:
                warn_of_changes(model, changes_at(model, backend))
        return self._costs[name]

    def own_table(self, target: Target, space: Space, serial: str | None = None) -> CostModel:
        """One's own table of a device; of one in this machine it is built first.

        Args:
            target: the device, and how models are run on it.
            space: that the table is of.
            serial: which one of several devices, where each has a table of its own.

        Raises:
            NasprofError: there is none, and the device is elsewhere; with the command to run.
        """
        own = OwnTable(target, space, self.precision or "fp32", serial)
        key = f"{own.backend.label} {serial} {space.settings}"
        if key not in self._costs:
            table = self._costs[key] = own.read(self.clock, self.progress)
            warn_of_doubts(table)
            warn_of_changes(table, changes_at(table, own.backend))
        return self._costs[key]

    def target_of(self, name: str, detail: str | None) -> Target:
        """The device that an objective names as ``DEVICE`` or ``DEVICE/SERIAL``; else the target.

        Threads, affinity and the like are said of the target's device, and of every device where
        the target names none.

        Args:
            name: of the objective, for messages.
            detail: what it says of the device.

        Raises:
            UsageError: there is no such device, or it has no serials.
        """
        if detail is None:
            self.target.resolve()  # refuses names of no device
            return self.target
        device, serial = split_device(detail)
        if not is_device(detail):
            raise UsageError(
                f"objective {name!r}: no device is called {device!r}",
                near_names(device, list_profiles()),
            )
        target = self.target if self.target.device in (None, device) else Target()
        target = replace(target, device=device, serial=serial or target.serial)
        target.resolve()  # refuses options that it has no use for, such as a serial
        return target


def is_device(detail: str) -> bool:
    """Whether ``detail`` names a device, with or without a serial."""
    device = split_device(detail)[0]
    return device.endswith(".toml") or device in list_profiles()


def split_device(detail: str) -> tuple[str, str | None]:
    """Device and serial of ``DEVICE`` or ``DEVICE/SERIAL``.

    >>> split_device("pixel/8A1X")
    ('pixel', '8A1X')
    """
    match = _DEVICE.fullmatch(detail)
    return (detail, None) if match is None else (match[1], match[2])
