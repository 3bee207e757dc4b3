"""What a measurement is, as an object and as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Self

from devices.conditions import Conditions
from luts import Sentinel
from nasprof.errors import UsageError
from nasprof.reader import Reader, brief
from nasprof.typing import JsonObject
from profiler.measuring.estimates import Estimates
from profiler.measuring.protocol import Protocol

SCHEMA = 3
"""1 had ``normalised``, the multiple by the wall clock alone, of a smaller sentinel; 2 told no
``inputs``."""


@dataclass(frozen=True)
class Round:
    """One round of one model, kept as it was taken.

    Args:
        index: number of the round, from 0.
        order: names of all models of the round, in the order they ran.
        wall_ms: wall-clock time of each run.
        cpu_ms: CPU time of each run, None where the device cannot tell.
        sentinel_ms: trimmed mean of the sentinel in this round, None without one.
        sentinel_cpu_ms: likewise by the CPU clock, None where the device cannot tell.
        sentinel_fastest_ms: its fastest run, by clock; empty without one.
        overhead_ms: trimmed mean of the empty model in this round, None without one.
        flags: doubts: "contended", "limited", "throttled", "drift", "incomplete".
        counted: whether the estimates use it.
        context: what else was observed.
    """

    index: int
    order: list[str]
    wall_ms: list[float]
    cpu_ms: list[float] | None = None
    sentinel_ms: float | None = None
    overhead_ms: float | None = None
    flags: list[str] = field(default_factory=list)
    counted: bool = True
    context: JsonObject = field(default_factory=dict)
    sentinel_cpu_ms: float | None = None
    sentinel_fastest_ms: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Measurement:
    """The latency of one model on one device, with all that it depends on.

    Args:
        model: the file: ``path``, ``sha256``, ``format``, ``size_bytes`` and what else is known.
        device: name of the profile.
        clock: resolution in ns and what the CPU time is of ("thread", "process" or None).
        latency_ms: estimates by the wall clock over the rounds counted.
        cpu_ms: estimates by the CPU clock over the same rounds, None where the device has none.
        sentinel: what ran in turns with it: its file's ``sha256``, and by clock its ``latency_ms``
            over the rounds counted and their ``spread``
            (:func:`profiler.measuring.estimates.robust_spread`); None without a sentinel.
        multiples: by clock the latency as a multiple of the sentinel's in the same rounds, see
            :func:`profiler.measuring.estimates.paired_multiple`; empty without a sentinel.
        overhead_ms: trimmed mean of the empty model in the same rounds: the framework's share.
        flags: doubts about the estimates; empty for a measurement without any.
        stopped: "converged" (the protocol's target was reached), else "limit" or "interrupted".
        state: the device's condition ``before`` and ``after``.
        time: when it was begun, UTC in ISO 8601.
        inputs: what it ran on: name, dtype, shape, and where the shape is ``from``; see
            :attr:`devices.runner.inputs.Inputs.described`. Empty where the device does not tell.
        device_options: those of the profile that latencies depend on.
        runtime_options: those of the runtime.
        requested_affinity: CPUs that were asked for, None where the device chose ``affinity``.
    """

    name: str
    arch: JsonObject | None
    model: JsonObject
    device: str
    device_fingerprint: JsonObject
    runtime: str
    runtime_version: str | None
    runtime_facts: JsonObject
    threads: int
    affinity: list[int] | None
    precision: str | None
    batch: int | None
    protocol: Protocol
    clock: JsonObject
    latency_ms: Estimates
    cpu_ms: Estimates | None
    sentinel: JsonObject | None
    multiples: dict[str, float]
    overhead_ms: float | None
    rounds: list[Round]
    flags: list[str]
    stopped: str
    state: JsonObject
    time: str
    nasprof: str
    inputs: list[JsonObject] = field(default_factory=list)
    device_options: JsonObject = field(default_factory=dict)
    runtime_options: JsonObject = field(default_factory=dict)
    requested_affinity: list[int] | None = None

    @property
    def conditions(self) -> Conditions:
        """What it was measured under; CPUs that the device chose itself are none of it."""
        cpus = self.requested_affinity
        return Conditions(
            device=self.device,
            device_fingerprint=self.device_fingerprint,
            device_options=self.device_options,
            runtime=self.runtime,
            runtime_version=self.runtime_version,
            threads=self.threads,
            affinity=None if cpus is None else tuple(cpus),
            runtime_options=self.runtime_options,
            precision=self.precision,
            batch=self.batch,
        )

    @property
    def samples_ms(self) -> list[float]:
        """The samples that the estimates use, in the order they were taken."""
        return [sample for round_ in self.rounds if round_.counted for sample in round_.wall_ms]

    @property
    def by_clock(self) -> dict[str, float]:
        """Trimmed means in ms: "wall", and "cpu" where the device has such a clock."""
        times = {"wall": self.latency_ms.trimmed_mean}
        return times if self.cpu_ms is None else {**times, "cpu": self.cpu_ms.trimmed_mean}

    def ran_beside(self, sentinel: Sentinel) -> bool:
        """Whether its multiples are of that sentinel."""
        return self.sentinel is not None and self.sentinel["sha256"] == sentinel.sha256

    def at_speed_of(self, sentinel: Sentinel | None) -> dict[str, float]:
        """Latency in ms by clock, at the speed at which the sentinel takes what it took there.

        As it was measured where it has no multiple of that sentinel.
        """
        if sentinel is None or not self.ran_beside(sentinel):
            return self.by_clock
        return {
            clock: self.multiples[clock] * sentinel.latency_ms[clock]
            if clock in self.multiples and clock in sentinel.latency_ms
            else time_ms
            for clock, time_ms in self.by_clock.items()
        }

    def to_dict(self) -> JsonObject:
        """As JSON."""
        data = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            "schema": SCHEMA,
            **data,
            "protocol": self.protocol.to_dict(),
            "latency_ms": self.latency_ms.to_dict(),
            "cpu_ms": None if self.cpu_ms is None else self.cpu_ms.to_dict(),
            "samples_ms": self.samples_ms,
            "rounds": [dict(vars(round_)) for round_ in self.rounds],
        }

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """From JSON.

        Raises:
            UsageError: naming the field that is missing or not what it should be.
        """
        reader = Reader(data, "measurement")
        schema = reader.take("schema", "a whole number")
        if schema == 1:
            reader = Reader(_with_inputs(_with_sentinel(data)), "measurement")
        elif schema == 2:
            reader = Reader(_with_inputs(data), "measurement")
        elif schema != SCHEMA:
            raise UsageError(
                f"measurement: field 'schema' is {schema}, expected {SCHEMA}",
                "It was written by another version of nasprof.",
            )
        values = {name: reader.take(name, kind) for name, kind in _FIELDS.items()}
        later = {name: kind for name, kind in _LATER_FIELDS.items() if name in data}
        values |= {name: reader.take(name, kind) for name, kind in later.items()}
        for name in ("threads", "batch"):
            if values[name] is not None:
                reader.within(name, 1, _MOST)
        cpu = reader.take("cpu_ms", "an object or null")
        measurement = cls(
            **values,
            protocol=Protocol.from_dict(reader.take("protocol", "an object")),
            latency_ms=_estimates(reader.take("latency_ms", "an object"), "latency_ms"),
            cpu_ms=None if cpu is None else _estimates(cpu, "cpu_ms"),
            rounds=[
                _round(round_, f"rounds[{index}]")
                for index, round_ in enumerate(reader.take("rounds", "a list"))
            ],
        )
        multiples = Reader(measurement.multiples, "multiples")
        for clock in measurement.multiples:
            multiples.positive(clock)
        if measurement.samples_ms != reader.take("samples_ms", "a list of numbers"):
            raise UsageError(
                "measurement: field 'samples_ms' is not what the counted rounds hold",
                "The file was changed by hand or is damaged.",
            )
        return measurement


_MOST = 1 << 20
_FIELDS = {
    "name": "a string",
    "arch": "an object or null",
    "model": "an object",
    "device": "a string",
    "device_fingerprint": "an object",
    "runtime": "a string",
    "runtime_version": "a string or null",
    "runtime_facts": "an object",
    "threads": "a whole number",
    "affinity": "a list of whole numbers or null",
    "precision": "a string or null",
    "batch": "a whole number or null",
    "clock": "an object",
    "sentinel": "an object or null",
    "multiples": "an object",
    "overhead_ms": "a time in ms or null",
    "flags": "a list of strings",
    "stopped": "a string",
    "state": "an object",
    "time": "a string",
    "nasprof": "a string",
    "inputs": "a list of objects",
}
_LATER_FIELDS = {
    "device_options": "an object",
    "runtime_options": "an object",
    "requested_affinity": "a list of whole numbers or null",
}
"""Records from before they were kept lack them, and count as measured without any."""
_ROUND_FIELDS = {
    "index": "a whole number",
    "order": "a list of strings",
    "wall_ms": "a list of times in ms",
    "cpu_ms": "a list of times in ms or null",
    "sentinel_ms": "a time in ms or null",
    "overhead_ms": "a time in ms or null",
    "flags": "a list of strings",
    "counted": "true or false",
    "context": "an object",
    "sentinel_cpu_ms": "a time in ms or null",
    "sentinel_fastest_ms": "an object",
}


def _with_inputs(data: JsonObject) -> JsonObject:
    """A record of schema 2."""
    return {**data, "inputs": []}


def _with_sentinel(data: JsonObject) -> JsonObject:
    """A record of schema 1; its multiple is dropped, for it is of another sentinel."""
    rounds = data.get("rounds")
    known = rounds if isinstance(rounds, list) else []
    unknown: JsonObject = {"sentinel_cpu_ms": None, "sentinel_fastest_ms": {}}
    upgraded = [{**unknown, **record} for record in known if isinstance(record, dict)]
    new: JsonObject = {"sentinel": None, "multiples": {}}
    return {**data, **new, "rounds": upgraded if len(upgraded) == len(known) else rounds}


def _estimates(data: Any, where: str) -> Estimates:
    reader = Reader(data, where)
    interval = reader.take("ci95", "a list of times in ms")
    if len(interval) != 2 or interval[0] > interval[1]:
        raise UsageError(f"{where}: field 'ci95' is {brief(interval)}, expected two ascending ones")
    names = [field.name for field in fields(Estimates) if field.name != "ci95"]
    values = {name: reader.latency_ms(name, 0) for name in names if name != "cv"}
    values["cv"] = reader.not_negative("cv")
    return Estimates(**values, ci95=(float(interval[0]), float(interval[1])))


def _round(data: Any, where: str) -> Round:
    reader = Reader(data, where)
    values = {name: reader.take(name, kind) for name, kind in _ROUND_FIELDS.items()}
    fastest = Reader(values["sentinel_fastest_ms"], f"{where}.sentinel_fastest_ms")
    for clock in values["sentinel_fastest_ms"]:
        fastest.latency_ms(clock)
    return Round(**values)
