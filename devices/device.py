"""What a device is: a place where model files run and are timed.

A :class:`Device` is described by a profile and opened for a measurement with
:class:`devices.settings.RunSettings`, which gives a :class:`devices.session.Session`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

from devices.device_profile import Profile
from devices.session import Session
from devices.settings import RunSettings
from nasprof.registry import Registry
from nasprof.typing import JsonObject


@dataclass(frozen=True)
class Reachability:
    """Whether a device can be used right now, and if not, why not and what to do."""

    ok: bool
    detail: str


class Device(ABC):
    """A place where model files run, described by a profile."""

    local: ClassVar[bool] = False
    """Whether it is in this machine, so that it may be used without being asked for."""

    default_options: ClassVar[Mapping[str, object]] = MappingProxyType({})
    """What an option is where the profile does not name it."""

    incidental_options: ClassVar[frozenset[str]] = frozenset({"serial", "timeout_s"})
    """Options that change nothing of what is measured: where the device is, how long to wait."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile

    def relevant_options(self) -> JsonObject:
        """Options of the profile that latencies depend on, without those at their default."""
        return {
            name: value
            for name, value in self.profile.options.items()
            if name not in self.incidental_options and value != self.default_options.get(name)
        }

    @abstractmethod
    def check(self) -> Reachability:
        """Look whether the device answers; never raises, takes a few seconds at most."""

    @abstractmethod
    def fingerprint(self) -> JsonObject:
        """What identifies the hardware and system: model, SoC or CPU, cores, OS build."""

    @abstractmethod
    def open(self, settings: RunSettings) -> Session:
        """Make the device ready to run models.

        Raises:
            DeviceError: it cannot be reached or lacks what the settings ask for.
        """


device_kinds: Registry[type[Device]] = Registry(
    "device kind",
    {
        "cpu": "devices.cpu:CpuDevice",
        "gpu": "devices.gpu:GpuDevice",
        "adb": "devices.adb.device:AdbDevice",
    },
)
