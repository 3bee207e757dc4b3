"""Which device, and how models are run on it: as asked for, and as that turns out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from devices.conditions import Conditions
from devices.cpus import MAX_CPUS
from devices.device import Device
from devices.device_profile import Profile
from devices.profile_files import find_profile, open_device
from devices.session import Session
from devices.settings import RUNTIME_OPTIONS, RunSettings
from nasprof.errors import UsageError
from nasprof.reader import brief


@dataclass(frozen=True)
class Backend:
    """A device, contacted when it is opened, and how models are run on it."""

    device: Device
    settings: RunSettings

    @property
    def profile(self) -> Profile:
        """The device's."""
        return self.device.profile

    @property
    def label(self) -> str:
        """``DEVICE``, or ``DEVICE/SERIAL`` where its serial is known."""
        serial = self.profile.options.get("serial")
        return self.profile.name if serial is None else f"{self.profile.name}/{serial}"

    def conditions(
        self,
        *,
        precision: str | None = None,
        batch: int | None = None,
        clock: str | None = None,
        contact: bool = True,
    ) -> Conditions:
        """What latencies depend on here; see :meth:`Conditions.of`.

        Raises:
            DeviceError: the device was to be contacted and does not answer.
        """
        return Conditions.of(
            self.device,
            self.settings,
            precision=precision,
            batch=batch,
            clock=clock,
            contact=contact,
        )

    def open(self) -> Session:
        """The device made ready to run models.

        Raises:
            DeviceError: it cannot be reached or lacks what the settings ask for.
        """
        return self.device.open(self.settings)


@dataclass(frozen=True)
class Target:
    """A request for a device; None is for what was not said.

    Args:
        device: name of a profile, or a file (``.toml``).
        runtime: "onnxruntime", "litert", "torch", ...
        threads: threads the runtime may use.
        affinity: CPU numbers to stay on.
        serial: USB serial or ``HOST:PORT`` of one of several devices.
        options: any other options of the profile, by name.

    Raises:
        UsageError: naming what makes no sense.

    >>> Target("cpu", threads=2).resolve().settings
    RunSettings(runtime='onnxruntime', threads=2, affinity=None, options={})
    """

    device: str | None = None
    runtime: str | None = None
    threads: int | None = None
    affinity: tuple[int, ...] | None = None
    serial: str | None = None
    options: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("device", "runtime", "serial"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, str) and value):
                raise _invalid(name, value, "a name")
        if self.threads is not None and not (type(self.threads) is int and self.threads > 0):
            raise _invalid("threads", self.threads, "a whole number of at least 1")
        if self.affinity is not None:
            object.__setattr__(self, "affinity", _cpus(self.affinity))
        if not isinstance(self.options, Mapping):
            raise _invalid("options", self.options, "values by the names of options")

    @classmethod
    def of(cls, target: Target | str | None) -> Target:
        """The same, or the device of that name; None is for this machine's processor."""
        return target if isinstance(target, Target) else cls(target)

    def profile(self, default: str = "cpu") -> Profile:
        """The device's profile, with what was said about its options.

        Args:
            default: the device where none was named.

        Raises:
            UsageError: there is no such device.
        """
        profile = find_profile(self.device or default)
        return profile.with_options(serial=self.serial, **self.options)

    def settings(self, profile: Profile) -> RunSettings:
        """How models are run: as said, else as the profile has it."""
        return RunSettings(
            runtime=self.runtime or profile.runtime,
            threads=self.threads or profile.threads,
            affinity=self.affinity or profile.affinity,
            options=dict(profile.options.get(RUNTIME_OPTIONS, {})),
        )

    def resolve(self, known: Conditions | None = None) -> Backend:
        """The device and how models are run on it.

        Args:
            known: conditions that hold where nothing else was said, such as those that a table was
                measured under: the device; runtime and threads; and, if it is that very device,
                affinity and options as well. All else is as the device's profile has it.

        Raises:
            UsageError: no device has that name, or it knows no such option.
        """
        known = known or Conditions()
        profile = self.profile(default=known.device or "cpu")
        settings = replace(
            self.settings(profile),
            runtime=self.runtime or known.runtime or profile.runtime,
            threads=self.threads or known.threads or profile.threads,
        )
        if known.device is not None and profile.name == known.device:
            # What was said comes last.
            measured = {**known.device_options, RUNTIME_OPTIONS: known.runtime_options or None}
            profile = profile.with_options(**{**measured, **self.options})
            profile = profile.with_options(serial=self.serial)
            settings = replace(
                settings,
                affinity=self.affinity or known.affinity or profile.affinity,
                options=dict(profile.options.get(RUNTIME_OPTIONS, {})),
            )
        return Backend(open_device(profile), settings)


def _cpus(affinity: object) -> tuple[int, ...]:
    valid = isinstance(affinity, tuple | list) and all(
        type(cpu) is int and 0 <= cpu < MAX_CPUS for cpu in affinity
    )
    if not valid or not affinity:
        raise _invalid("affinity", affinity, f"numbers of CPUs below {MAX_CPUS}")
    return tuple(affinity)  # type: ignore[arg-type]


def _invalid(name: str, value: object, expected: str) -> UsageError:
    return UsageError(
        f"target: {name} is {brief(value)}, expected {expected}",
        "Leave it out to have it as the device's profile says.",
    )
