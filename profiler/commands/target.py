"""Options that say where and how models are run, which several subcommands have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial, wraps
from typing import TYPE_CHECKING, Any

import click

from nasprof.cli import setting_option

if TYPE_CHECKING:
    from devices import Device, Profile, RunSettings
    from luts import CostModel


@dataclass(frozen=True)
class Target:
    """A device as named on the command line, and what was said about running models on it."""

    device_name: str | None
    runtime: str | None
    threads: int | None
    affinity: tuple[int, ...] | None
    serial: str | None
    options: Mapping[str, Any]

    def profile(self, default: str = "cpu") -> Profile:
        """The device's profile, with what was said about its options."""
        from devices import find_profile

        profile = find_profile(self.device_name or default)
        return profile.with_options(serial=self.serial, **self.options)

    def settings(self, profile: Profile, runtime: str | None = None) -> RunSettings:
        """How models are run: as said, else as ``runtime`` and the profile have it."""
        from devices import RunSettings

        return RunSettings(
            runtime=self.runtime or runtime or profile.runtime,
            threads=self.threads or profile.threads,
            affinity=self.affinity or profile.affinity,
        )

    def as_measured(self, model: CostModel) -> tuple[Profile, RunSettings]:
        """The profile and the settings that a cost model was measured with, but for what was said.

        Raises:
            UsageError: no device has the name that was said, or that the cost model tells.
        """
        from profiler.tables.provenance import known

        name = known(model, "device", str)
        profile = self.profile(default=name or "cpu")
        settings = self.settings(profile, known(model, "runtime", str))
        threads = self.threads or known(model, "threads", int) or settings.threads
        if profile.name != name:
            return profile, replace(settings, threads=threads)
        profile = profile.with_options(**known(model, "device_options", dict) or {})
        cpus = self.affinity or tuple(known(model, "affinity", list) or ()) or settings.affinity
        options = known(model, "runtime_options", dict) or {}
        # What was said comes last.
        profile = profile.with_options(serial=self.serial, **self.options)
        return profile, replace(settings, threads=threads, affinity=cpus, options=options)

    @staticmethod
    def device(profile: Profile) -> Device:
        """The device that the profile describes, not yet contacted."""
        from devices import open_device

        return open_device(profile)


def target_options(
    setting: str = "--device-set",
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """``--device --runtime --threads --affinity --serial``, given as one :class:`Target`.

    Args:
        setting: flag that sets any other option of the device.
    """
    return partial(_with_target, setting=setting)


def _with_target(function: Callable[..., Any], setting: str) -> Callable[..., Any]:
    @click.option("--device", "device_name", help="Device profile; cpu unless given.")
    @click.option("--runtime", help="onnxruntime, litert, torch; the profile's unless given.")
    @click.option("--threads", type=click.IntRange(1), help="Threads; the profile's unless given.")
    @click.option("--affinity", help="CPUs to stay on: 0,2 or 4-7. The profile's unless given.")
    @click.option("--serial", help="USB serial or HOST:PORT of the phone.")
    @setting_option(
        f"Any option of the device's profile, as JSON: {setting} timeout_s=60.", setting, "chosen"
    )
    @wraps(function)
    def command(
        *args: Any,
        device_name: str | None,
        runtime: str | None,
        threads: int | None,
        affinity: str | None,
        serial: str | None,
        chosen: dict[str, Any],
        **options: Any,
    ) -> Any:
        from devices.cpus import parse_cpus

        cpus = None if affinity is None else parse_cpus(affinity)
        target = Target(device_name, runtime, threads, cpus, serial, chosen)
        return function(*args, target=target, **options)

    return command
