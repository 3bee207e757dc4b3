"""This machine's processor."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from typing import ClassVar

from devices import host
from devices.device import Device, Reachability
from devices.device_profile import MAX_SECONDS, Profile
from devices.errors import DeviceUnreachable
from devices.local import DEFAULT_TIMEOUT_S, LocalSession
from devices.runtimes import modules_of
from devices.session import Session
from devices.settings import RUNTIME_OPTIONS, RunSettings
from nasprof.errors import UsageError
from nasprof.reader import brief, is_number
from nasprof.typing import JsonObject


class HostDevice(Device):
    """What runs on this machine, whether by its CPU or by a GPU in it.

    Profile options: ``timeout_s`` (limit for one answer of the runner) and ``runtime_options``
    (a table handed to the runtime's adapter).
    """

    local: ClassVar[bool] = True
    known_options: ClassVar[frozenset[str]] = frozenset({"timeout_s", "runtime_options"})

    def __init__(self, profile: Profile) -> None:
        super().__init__(profile)
        unknown = sorted(set(profile.options) - self.known_options)
        if unknown:
            raise UsageError(
                f"device {profile.name!r} of kind {profile.kind!r} knows no option {unknown[0]!r}",
                f"Known: {', '.join(sorted(self.known_options))}.",
            )
        self.timeout_s = _seconds(profile, "timeout_s", DEFAULT_TIMEOUT_S)
        options = profile.options.get(RUNTIME_OPTIONS, {})
        if not isinstance(options, dict):
            raise UsageError(
                f"{profile.source}: field 'runtime_options' is {brief(options)}, expected a table"
            )

    def runtime_options(self) -> JsonObject:
        """What the profile asks of the runtime."""
        return dict(self.profile.options.get(RUNTIME_OPTIONS, {}))

    def check(self) -> Reachability:
        if (lack := host.cannot_measure()) is not None:
            return Reachability(False, lack)
        runtime = self.profile.runtime
        # Of a package only what is found without importing it.
        modules = modules_of(runtime)
        if not any(_installed(module) for module in modules):
            return Reachability(False, f"runtime {runtime}: {modules[0]} is not installed")
        return Reachability(True, f"{host.fingerprint()['cpu']}, {len(host.available_cpus())} CPUs")

    def fingerprint(self) -> JsonObject:
        return {"kind": self.profile.kind, **host.fingerprint()}

    def open(self, settings: RunSettings) -> Session:
        if (lack := host.cannot_measure()) is not None:
            raise DeviceUnreachable(
                lack,
                "Measure in WSL 2, in a container or virtual machine with Linux, or on an Android "
                "device over ADB. Tables, predictions and searches work here.",
            )
        return self.start(self.complete(settings))

    def complete(self, settings: RunSettings) -> RunSettings:
        """The settings with what they lack, as the profile has it or as it is chosen here."""
        affinity = settings.affinity or self.profile.affinity or host.least_loaded(settings.threads)
        options = self.runtime_options() | dict(settings.options)
        return replace(settings, affinity=affinity, options=options)

    def start(self, settings: RunSettings) -> LocalSession:
        """A session with settings that are complete."""
        return LocalSession(settings, self.timeout_s)


class CpuDevice(HostDevice):
    """This machine's processor, on the CPUs asked for or on the least loaded ones."""


def _seconds(profile: Profile, name: str, default: float) -> float:
    value = profile.options.get(name, default)
    if not is_number(value) or not 0 < value <= MAX_SECONDS:
        raise UsageError(
            f"{profile.source}: field {name!r} is {brief(value)}, "
            f"expected a number above 0, up to {MAX_SECONDS:.0f}"
        )
    return float(value)


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False
