"""What a device is: a place where model files run and are timed.

A :class:`Device` is described by a profile and opened for a measurement with
:class:`RunSettings`; the :class:`Session` it gives takes model files and times them in rounds.
How rounds are planned, repeated and judged is the business of ``profiler.measuring.measure``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias

from devices.foreign import printable
from devices.runner.values import FILE
from nasprof.errors import NasprofError
from nasprof.registry import Registry

if TYPE_CHECKING:
    from devices.device_profile import Profile


THROTTLED = "throttled"
"""Flag of samples taken while the device slowed down for its temperature."""

RUNTIME_OPTIONS = "runtime_options"
"""Option of profiles: a table of what only the runtime understands."""

INPUT_SEED = 0
"""Seed of the inputs models are timed on."""

_MAX_WORDS = 4000


class DeviceError(NasprofError):
    """A device cannot be reached, or did not do what was asked of it.

    Its words may be the device's own: what cannot be shown is left out of them.

    Args:
        partial: what was measured before it failed, by model name.
        model: name of the one model that it could not load or run; the others are not concerned.
        inputs: what that model was run on, see :attr:`devices.runner.inputs.Inputs.described`.
    """

    def __init__(
        self,
        message: str,
        remedy: str | None = None,
        partial: Mapping[str, Samples] | None = None,
        *,
        model: str | None = None,
        inputs: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        super().__init__(_shown(message), remedy and _shown(remedy))
        self.partial = dict(partial or {})
        self.model = model
        self.inputs = list(inputs)


def _shown(text: str) -> str:
    return "\n".join(printable(line) for line in text[:_MAX_WORDS].split("\n"))


class DeviceUnreachable(DeviceError):
    """Nobody answers: not connected, not authorised, switched off."""


class DeviceLost(DeviceError):
    """The device answered before and does not any more."""


class DeviceTimeout(DeviceError):
    """A command ran past its limit; it was ended on the device."""


class RunnerCrashed(DeviceError):
    """The program that runs the models ended with a failure."""


class RunnerRefused(DeviceError):
    """The runner cannot do what was asked (runtime, delegate, flag, model): no number is given."""


class DeviceFull(DeviceError):
    """No space left on the device."""


@dataclass(frozen=True)
class RunSettings:
    """How models are to be executed.

    Args:
        runtime: "onnxruntime", "litert", "torch", ...
        threads: threads the runtime may use.
        affinity: CPU numbers to stay on; None leaves the choice to the device.
        options: what only this runtime understands ("provider": "cuda", "xnnpack": False, ...);
            they win over the profile's ``runtime_options``.
    """

    runtime: str
    threads: int = 1
    affinity: tuple[int, ...] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelDetails:
    """What is known of a model file besides its content; nothing of it is needed for our own.

    Args:
        shapes: whole shapes of inputs, by their names, as said.
        sizes: sizes that the model leaves open, by their names in it, as said.
        batch: size of first axes that the model leaves open, as said.
        values: what inputs hold, by their names, as said: "zeros", "range", "ids:VOCABULARY", a
            number, or "file:PATH" of an ``.npy`` file.
        known: what inputs must hold for the model to run, by their names; see
            :func:`devices.runner.values.known_array`.
        rankless: inputs of which the model does not even tell how many axes they have.
        signature: which of its signatures is meant.
        companions: files beside it that belong to it (external weights).
        foreign: whether it is not known to run, so that this is tried before others are timed.
    """

    shapes: Mapping[str, Sequence[int]] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    batch: int | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    known: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    rankless: tuple[str, ...] = ()
    signature: str | None = None
    companions: tuple[Path, ...] = ()
    foreign: bool = False

    @property
    def files(self) -> dict[str, Path]:
        """Files that inputs are read from, by the inputs' names."""
        return {
            name: Path(value.removeprefix(FILE))
            for name, value in self.values.items()
            if value.startswith(FILE)
        }

    def request(self, files: Mapping[str, str]) -> dict[str, Any]:
        """As the runner is told.

        Args:
            files: where it finds the inputs' files, by the inputs' names.
        """
        said = {
            "shapes": {name: list(shape) for name, shape in self.shapes.items()},
            "sizes": dict(self.sizes),
            "batch": self.batch,
            "values": {**self.values, **{name: FILE + path for name, path in files.items()}},
            "known": {name: dict(known) for name, known in self.known.items()},
            "rankless": list(self.rankless),
            "signature": self.signature,
        }
        return {name: value for name, value in said.items() if value}


NO_DETAILS = ModelDetails()


@dataclass
class Samples:
    """What was timed of one model in one round.

    Args:
        wall_ms: wall-clock time of each run, in order.
        cpu_ms: CPU time of each run (the thread's own at one thread, else the whole process's),
            None where the device cannot tell.
        flags: doubts about these samples, such as "contended" or "throttled".
        context: what else was observed (load, temperature, context switches).
    """

    wall_ms: list[float]
    cpu_ms: list[float] | None = None
    flags: list[str] = field(default_factory=list)
    context: dict[str, Any] = field(default_factory=dict)

    def joined(self, later: Samples) -> Samples:
        """These samples and those of a later visit in the same round."""
        both_known = self.cpu_ms is not None and later.cpu_ms is not None
        return Samples(
            self.wall_ms + later.wall_ms,
            (self.cpu_ms or []) + (later.cpu_ms or []) if both_known else None,
            sorted({*self.flags, *later.flags}),
            _joined_context(self.context, later.context),
        )


Arrived: TypeAlias = Callable[[str, Samples], None]
"""Told the name and the samples of each visit when it is over."""


def take_in(taken: dict[str, Samples], name: str, samples: Samples) -> None:
    """File the samples of a visit with those of earlier visits in the round."""
    taken[name] = taken[name].joined(samples) if name in taken else samples


_TOTALS = ("elapsed_ms", "warmup_ms", "run_delay_ms", "involuntary_switches")


def _joined_context(first: Mapping[str, Any], later: Mapping[str, Any]) -> dict[str, Any]:
    """Durations and counts added up, shares of cores averaged, the rest as it was last."""
    spans = [float(part.get("elapsed_ms") or 0.0) for part in (first, later)]
    joined = {**first, **later}
    for key in first.keys() & later.keys():
        a, b = first[key], later[key]
        if type(a) not in (int, float) or type(b) not in (int, float):
            continue
        if key in _TOTALS:
            joined[key] = round(a + b, 3)
        elif key.endswith("_cores") and any(spans):
            joined[key] = round((a * spans[0] + b * spans[1]) / sum(spans), 3)
    return joined


class Session(ABC):
    """A device made ready with one set of settings; a context manager that cleans up."""

    settings: RunSettings
    partial: Mapping[str, Samples] = MappingProxyType({})
    """What the round under way has given so far: kept when it is cut short by Ctrl-C."""
    ended: DeviceError | None = None
    """What ended it for good; None as long as it can be used, or made ready again."""

    @abstractmethod
    def load(
        self,
        models: Mapping[str, Path],
        details: Mapping[str, ModelDetails] = MappingProxyType({}),
    ) -> None:
        """Bring model files to the device, by name, and see that they run.

        Args:
            details: of those models of which there are any.

        Raises:
            DeviceError: with the name of the ``model``, if it is one that cannot be loaded or run.
        """

    def tensors(self, name: str) -> dict[str, Any]:
        """What the runner tells of a loaded model: ``inputs``
        (:attr:`devices.runner.inputs.Inputs.described`), ``outputs``, ``load_ms``, ``unused``
        names and, where it has several, the ``signature`` that was taken and all ``signatures``.
        Empty where the device tells nothing.
        """
        return {}

    @abstractmethod
    def run_round(
        self, order: Sequence[str], warmup: int, runs: int, arrived: Arrived | None = None
    ) -> dict[str, Samples]:
        """Visit models in the given order: each ``warmup`` untimed, then ``runs`` timed runs.

        A model may be visited several times; its samples are joined. Their context tells the time
        of the untimed runs as ``warmup_ms``, where it is known.

        Args:
            order: names of loaded models.
            arrived: told of each visit when it is over; doubts that only the whole round shows
                are missing then.

        Raises:
            DeviceError: with the samples taken so far as ``partial``.
        """

    @abstractmethod
    def outputs(self, name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Run a loaded model once on given arrays and return its outputs, by name.

        Raises:
            RunnerRefused: where the device cannot return outputs.
        """

    def profile(self, name: str, warmup: int, runs: int) -> dict[str, float]:
        """Mean ms a run of each operator of a loaded model, by its name, in the order they ran.

        The names are those of the nodes in the model file as far as the runtime keeps them; one
        that it made of several bears the name of one of them.

        Raises:
            RunnerRefused: where the device gives no operator profiles.
        """
        raise RunnerRefused("this device gives no operator profiles")

    @abstractmethod
    def provenance(self) -> dict[str, Any]:
        """What executes: ``runtime_version``, ``threads``, ``affinity`` (a list of CPUs, or None
        where that is not known), all as they are set, and what else identifies it.
        """

    def state(self) -> dict[str, Any]:
        """The device's condition right now (frequency, governor, temperature, load)."""
        return {}

    @abstractmethod
    def close(self) -> None:
        """End what runs and remove what was left on the device. May be called twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


@dataclass(frozen=True)
class Reachability:
    """Whether a device can be used right now, and if not, why not and what to do."""

    ok: bool
    detail: str


class Device(ABC):
    """A place where model files run, described by a profile."""

    local: ClassVar[bool] = False
    """Whether it is in this machine, so that it may be used without being asked for."""

    default_options: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    """What an option is where the profile does not name it."""

    incidental_options: ClassVar[frozenset[str]] = frozenset({"serial", "timeout_s"})
    """Options that change nothing of what is measured: where the device is, how long to wait."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile

    def relevant_options(self) -> dict[str, Any]:
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
    def fingerprint(self) -> dict[str, Any]:
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
