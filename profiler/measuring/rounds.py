"""Rounds being taken on a device, until every model has been measured enough."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from devices import DeviceError, Samples, Session
from devices.digest import model_digest, model_size
from nasprof import __version__
from nasprof.typing import JsonObject
from profiler.measuring.estimates import trimmed_mean
from profiler.measuring.inputs import GUESSED, batch_of, is_guess
from profiler.measuring.journal import Journal
from profiler.measuring.protocol import Protocol
from profiler.measuring.records import Measurement, Round
from profiler.measuring.schedule import (
    INCOMPLETE,
    beside,
    doubts,
    judge,
    marked,
    selected,
    summarise,
)
from profiler.measuring.status import EMPTY, SENTINEL, Status
from profiler.model_files.model_file import ModelFile


class Run:
    """Rounds taken so far and what is complete.

    Args:
        facts: what all measurements have in common.
        models: model files by name, with those that run beside them.
        journal: keeps every visit; what it holds already is taken up.
    """

    def __init__(
        self,
        session: Session,
        files: Sequence[ModelFile],
        protocol: Protocol,
        facts: JsonObject,
        models: Mapping[str, Path],
        journal: Journal | None = None,
    ) -> None:
        self._session = session
        self._journal = journal
        self._protocol = protocol
        self._facts = facts
        self._models = models
        self._names = list(models)
        self._sentinel = model_digest(models[SENTINEL]) if SENTINEL in models else None
        self._files = {file.name: file for file in files}
        earlier = {} if journal is None else journal.earlier
        self._rounds = {file.name: list(earlier.get(file.name, ())) for file in files}
        self._order: list[str] = []
        self._taken = 0 if journal is None else journal.next_round
        self._resumed = self._taken
        self._rounds_left = protocol.rounds_max
        self._before: JsonObject = {}
        self._start = time.monotonic()
        self._scouted_s = 0.0
        self._flags: tuple[str, ...] = ()
        self._temperature_c: float | None = None
        self.active = [file.name for file in files]
        self.complete: dict[str, Measurement] = {}
        self.completed: Callable[[Measurement], None] | None = None

    def begin(self) -> None:
        """Bring model files to the device, and see what is complete already."""
        details = {name: file.details for name, file in self._files.items()}
        self._session.load(self._models, details)
        self._before = self._session.state()
        if any(self._rounds.values()):
            self.settle()

    def take_round(self, rng: np.random.Generator) -> None:
        """Run what is not complete once more, and see what is complete then."""
        # All names are drawn, so that the order does not depend on which are still active.
        passes = [rng.permutation(len(self._names)) for _ in range(self._protocol.visits)]
        drawn = [self._names[i] for i in np.concatenate(passes)]
        self._order = [name for name in drawn if name in self.active or name not in self._files]
        if self._protocol.cool_down_s:
            time.sleep(self._protocol.cool_down_s)
        self.keep(self._run_round())
        self.settle()

    def _run_round(self) -> dict[str, Samples]:
        """Samples of a round; of one that is cut short, what there is is kept as incomplete."""
        warmup, runs = self._protocol.warmup, self._protocol.runs
        try:
            return self._session.run_round(self._order, warmup, runs, self._arrived)
        except DeviceError as error:
            self.keep(error.partial, [INCOMPLETE])
            raise
        except KeyboardInterrupt:
            self.keep(self._session.partial, [INCOMPLETE])
            raise

    def scout(self) -> None:
        """Visit each model twice, for nothing but an estimate of how long all will take.

        First runs take longer than all others; the estimate is of the second visits.
        """
        names = [name for name in self._names if name in self.active or name not in self._files]
        start = time.monotonic()
        ends: list[float] = []
        samples = self._session.run_round(
            [*names, *names], 1, 1, lambda *_: ends.append(time.monotonic())
        )
        elapsed = time.monotonic() - start
        visits = ends[-1] - ends[len(names) - 1]
        beside = max(0.0, elapsed - (ends[-1] - ends[0]) - visits / len(names))
        run = sum(visit.wall_ms[-1] for visit in samples.values()) / 1e3
        protocol = self._protocol
        longer = (protocol.warmup + protocol.runs - 2) * run
        per_round = beside + protocol.visits * max(0.0, visits + longer)
        done = min((len(self._rounds[name]) for name in self.active), default=0)
        left = max(1, protocol.rounds_min - done)
        self._scouted_s = left * (per_round + protocol.cool_down_s)
        self._start = time.monotonic()

    def _arrived(self, name: str, samples: Samples) -> None:
        if self._journal is not None and name in self._files:
            self._journal.visit(self._taken, name, samples)

    def settle(self) -> None:
        """See which models are complete."""
        late = self._late()
        verdicts = {name: judge(self._rounds[name], self._protocol, late) for name in self.active}
        self._rounds_left = max(verdict.rounds_left for verdict in verdicts.values())
        done = {name: verdict.stopped for name, verdict in verdicts.items() if verdict.stopped}
        after = self._session.state() if done else {}
        for name, stopped in done.items():
            self.complete[name] = self._measurement(name, stopped, after)
            self.active.remove(name)
            if self.completed is not None:
                self.completed(self.complete[name])

    def _late(self) -> bool:
        """Whether the time that the protocol allows for all models is over."""
        limit = self._protocol.limit_s
        elapsed = time.monotonic() - self._start
        return limit is not None and elapsed > limit * len(self._files)

    def keep(self, samples: Mapping[str, Samples], flags: Sequence[str] = ()) -> None:
        """File the samples of one round."""
        sentinel_ms = self._trimmed(samples, SENTINEL, "wall")
        sentinel_cpu_ms = self._trimmed(samples, SENTINEL, "cpu")
        overhead_ms = self._trimmed(samples, EMPTY, "wall")
        rounds = {
            name: Round(
                index=self._taken,
                order=self._order,
                wall_ms=list(visit.wall_ms),
                cpu_ms=None if visit.cpu_ms is None else list(visit.cpu_ms),
                sentinel_ms=sentinel_ms,
                overhead_ms=overhead_ms,
                flags=[*visit.flags, *flags],
                context=dict(visit.context),
                sentinel_cpu_ms=sentinel_cpu_ms,
                sentinel_fastest_ms=fastest(samples.get(SENTINEL)),
            )
            for name, visit in samples.items()
            if name in self._rounds
        }
        for name, taken_round in rounds.items():
            self._rounds[name].append(taken_round)
        # Of a round that was cut short, the visits are kept, and nothing is known of the whole.
        if self._journal is not None and rounds and not flags:
            self._journal.end_round(self._taken, rounds)
        self._flags = tuple(sorted({flag for visit in samples.values() for flag in visit.flags}))
        self._temperature_c = _temperature(samples.values())
        self._taken += 1

    def _trimmed(self, samples: Mapping[str, Samples], name: str, clock: str) -> float | None:
        """Trimmed mean of a model in one round, None where it did not run or has no such clock."""
        visit = samples.get(name)
        times_ms = None if visit is None else visit.wall_ms if clock == "wall" else visit.cpu_ms
        return None if times_ms is None else trimmed_mean(times_ms, self._protocol.trim)

    def partial(self) -> list[Measurement]:
        """A measurement of everything that has samples, complete or not."""
        unfinished = {
            name: self._measurement(name, "interrupted", {}, [INCOMPLETE])
            for name in self.active
            if self._rounds[name]
        }
        known = self.complete | unfinished
        return [known[name] for name in self._files if name in known]

    def status(self, waiting: str = "") -> Status:
        """How far it has come."""
        elapsed = time.monotonic() - self._start
        here = self._taken - self._resumed
        left = self._rounds_left * elapsed / here if here else self._scouted_s
        left = left if self.active else 0.0
        if self._protocol.limit_s is not None:
            left = min(left, max(0.0, self._protocol.limit_s * len(self._files) - elapsed))
        return Status(
            rounds=self._taken,
            complete=len(self.complete),
            total=len(self._files),
            elapsed_s=elapsed,
            remaining_s=left,
            flags=self._flags,
            disturbed=self._disturbed(),
            temperature_c=self._temperature_c,
            waiting=waiting,
        )

    def _disturbed(self) -> int:
        """Rounds with doubts of the active model that has most rounds."""
        rounds = max((self._rounds[name] for name in self.active), key=len, default=[])
        return sum(bool(round_.flags) for round_ in marked(rounds, self._protocol))

    def _measurement(
        self, name: str, stopped: str, after: Mapping[str, object], flags: Sequence[str] = ()
    ) -> Measurement:
        file, rounds = self._files[name], selected(self._rounds[name], self._protocol)
        counted = [round_ for round_ in rounds if round_.counted]
        latency = summarise([round_.wall_ms for round_ in counted], self._protocol)
        cpu = [round_.cpu_ms for round_ in counted if round_.cpu_ms is not None]
        sentinel, multiples = beside(counted)
        tensors = self._session.tensors(name)
        inputs = list(tensors.get("inputs", ()))
        guessed = [GUESSED] if is_guess(inputs) else []
        return Measurement(
            **self._facts,
            name=name,
            arch=None if file.arch is None else dict(file.arch),
            model={**_describe(file), **_signature(tensors)},
            inputs=inputs,
            precision=file.extra.get("precision"),
            batch=file.extra.get("batch", batch_of(inputs)),
            protocol=self._protocol,
            latency_ms=latency,
            cpu_ms=summarise(cpu, self._protocol) if len(cpu) == len(counted) else None,
            sentinel=sentinel and {"sha256": self._sentinel, **sentinel},
            multiples=multiples,
            overhead_ms=_mean([round_.overhead_ms for round_ in counted]),
            rounds=rounds,
            flags=sorted({*doubts(rounds), *flags, *guessed}),
            stopped=stopped,
            state={"before": self._before, "after": dict(after)},
            nasprof=__version__,
        )


def fastest(samples: Samples | None) -> dict[str, float]:
    """The fastest run in ms, by clock."""
    if samples is None:
        return {}
    times = {"wall": samples.wall_ms, "cpu": samples.cpu_ms}
    return {clock: min(values) for clock, values in times.items() if values}


def _describe(file: ModelFile) -> JsonObject:
    return {
        "path": str(file.path),
        "format": file.path.suffix.lstrip("."),
        "size_bytes": model_size(file.path, file.details.companions),
        "sha256": model_digest(file.path, file.details.companions),
        **{key: value for key, value in file.extra.items() if key not in ("precision", "batch")},
    }


def _signature(tensors: JsonObject) -> JsonObject:
    """Which of several signatures was run."""
    return {key: tensors[key] for key in ("signature", "signatures") if key in tensors}


def _temperature(samples: Iterable[Samples]) -> float | None:
    for visit in samples:
        temperatures = visit.context.get("temperature_c")
        if isinstance(temperatures, list) and temperatures[-1] is not None:
            return float(temperatures[-1])
    return None


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
