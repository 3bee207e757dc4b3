"""Measuring models on a device: in rounds, interleaved, next to a sentinel.

Models that are measured together take turns in random order, so that a slow minute of the device
falls on all of them. The sentinel, a model that is run in every round, tells such minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from devices import Device, DeviceError, RunSettings, Session
from nasprof.errors import NasprofError, UsageError
from profiler.protocol import Protocol
from profiler.records import Item, Measurement
from profiler.rounds import EMPTY, SENTINEL, Run, Status
from profiler.schedule import INCOMPLETE

__all__ = ["Cancelled", "Interrupted", "Status", "measure"]


class Interrupted(NasprofError):
    """A measurement ended before it was complete.

    Args:
        cause: what ended it.
        measurements: what was measured until then; those not complete have the flag "incomplete".
    """

    def __init__(self, cause: BaseException, measurements: Sequence[Measurement]) -> None:
        message, remedy = "interrupted", None
        if isinstance(cause, NasprofError):
            message, remedy = cause.message, cause.remedy
        super().__init__(message, remedy)
        self.cause = cause
        self.measurements = list(measurements)


class Cancelled(Interrupted):
    """The user pressed Ctrl-C."""

    exit_code: ClassVar[int] = 130


def measure(
    device: Device,
    settings: RunSettings,
    items: Sequence[Item],
    protocol: Protocol,
    rng: np.random.Generator,
    *,
    sentinel: Path | None = None,
    empty: Path | None = None,
    progress: Callable[[Status], None] | None = None,
    journal: Callable[[Measurement], None] | None = None,
) -> list[Measurement]:
    """Measure models on a device.

    A model is complete when the 95 % interval of the trimmed mean of its wall-clock samples is
    within the protocol's target, or at the protocol's limit; the others go on without it. The
    wall clock decides because its trimmed mean is the headline; CPU time would look settled
    while another job shifts what a user waits for.

    Args:
        settings: runtime, threads, affinity, options.
        items: at least one model file, names unique.
        rng: draws the order of the models in each round.
        sentinel: a model file run in every round, to notice when the device changes its speed.
        empty: a model file that does next to nothing: its time is the framework's overhead.
        progress: called after each round.
        journal: called with each measurement as soon as it is complete.

    Returns:
        One measurement an item, in their order.

    Raises:
        DeviceError: the device cannot be used, or not with these settings or models.
        Interrupted: it failed while measuring, with all that was measured until then.
        Cancelled: likewise, by Ctrl-C.
    """
    _check(items)
    fingerprint = device.fingerprint()
    began = datetime.now(UTC).isoformat(timespec="seconds")
    models = {item.name: item.path for item in items}
    if sentinel is not None and protocol.sentinel:
        models[SENTINEL] = sentinel
    if empty is not None:
        models[EMPTY] = empty
    with device.open(settings) as session:
        session.load(models)
        facts = {
            "device": device.profile.name,
            "device_fingerprint": fingerprint,
            "time": began,
            **_facts(session, settings),
        }
        run = Run(session, items, protocol, facts, list(models))
        run.journal = journal
        try:
            while run.active:
                run.take_round(rng)
                if progress is not None:
                    progress(run.status())
        except KeyboardInterrupt as cause:
            raise Cancelled(cause, run.partial()) from cause
        except DeviceError as cause:
            run.keep(cause.partial, [INCOMPLETE])
            raise Interrupted(cause, run.partial()) from cause
    return [run.complete[item.name] for item in items]


class _Run:
    """Rounds taken so far and what is complete."""

    def __init__(
        self,
        session: Session,
        items: Sequence[Item],
        protocol: Protocol,
        facts: Mapping[str, Any],
        names: list[str],
    ) -> None:
        self._session = session
        self._protocol = protocol
        self._facts = facts
        self._names = names
        self._items = {item.name: item for item in items}
        self._rounds: dict[str, list[Round]] = {item.name: [] for item in items}
        self._order: list[str] = []
        self._taken = 0
        self._before = session.state()
        self._start = time.monotonic()
        self._flags: tuple[str, ...] = ()
        self.active = [item.name for item in items]
        self.complete: dict[str, Measurement] = {}
        self.journal: Callable[[Measurement], None] | None = None

    def take_round(self, rng: np.random.Generator) -> None:
        """Run what is not complete once more, and see what is complete then."""
        # All names are drawn, so that the order does not depend on which are still active.
        drawn = [self._names[i] for i in rng.permutation(len(self._names))]
        self._order = [name for name in drawn if name in self.active or name not in self._items]
        if self._protocol.cool_down_s:
            time.sleep(self._protocol.cool_down_s)
        samples = self._session.run_round(self._order, self._protocol.warmup, self._protocol.runs)
        self.keep(samples)
        verdicts = {name: judge(self._rounds[name], self._protocol) for name in self.active}
        self._rounds_left = max(verdict.rounds_left for verdict in verdicts.values())
        done = {name: verdict.stopped for name, verdict in verdicts.items() if verdict.stopped}
        after = self._session.state() if done else {}
        for name, stopped in done.items():
            self.complete[name] = self._measurement(name, stopped, after)
            self.active.remove(name)
            if self.journal is not None:
                self.journal(self.complete[name])

    def keep(self, samples: Mapping[str, Samples], flags: Sequence[str] = ()) -> None:
        """File the samples of one round."""
        sentinel_ms, overhead_ms = (
            trimmed_mean(samples[name].wall_ms, self._protocol.trim) if name in samples else None
            for name in (SENTINEL, EMPTY)
        )
        for name in samples.keys() & self._rounds.keys():
            taken = samples[name]
            self._rounds[name].append(
                Round(
                    index=self._taken,
                    order=list(self._order),
                    wall_ms=list(taken.wall_ms),
                    cpu_ms=None if taken.cpu_ms is None else list(taken.cpu_ms),
                    sentinel_ms=sentinel_ms,
                    overhead_ms=overhead_ms,
                    flags=[*taken.flags, *flags],
                    context=dict(taken.context),
                )
            )
        self._flags = tuple(sorted({flag for taken in samples.values() for flag in taken.flags}))
        self._taken += 1

    def partial(self) -> list[Measurement]:
        """A measurement of everything that has samples, complete or not."""
        unfinished = {
            name: self._measurement(name, "interrupted", {}, [INCOMPLETE])
            for name in self.active
            if self._rounds[name]
        }
        known = self.complete | unfinished
        return [known[name] for name in self._items if name in known]

    def status(self) -> Status:
        """How far it has come."""
        elapsed = time.monotonic() - self._start
        left = self._rounds_left * elapsed / self._taken if self.active else 0.0
        return Status(self._taken, len(self.complete), len(self._items), elapsed, left, self._flags)

    def _measurement(
        self, name: str, stopped: str, after: Mapping[str, Any], flags: Sequence[str] = ()
    ) -> Measurement:
        item, rounds = self._items[name], selected(self._rounds[name], self._protocol)
        counted = [taken for taken in rounds if taken.counted]
        doubts = {flag for taken in counted for flag in taken.flags} | set(flags)
        latency = summarise([taken.wall_ms for taken in counted], self._protocol)
        cpu = [taken.cpu_ms for taken in counted if taken.cpu_ms is not None]
        reference = _mean([taken.sentinel_ms for taken in counted])
        return Measurement(
            **self._facts,
            name=name,
            arch=None if item.arch is None else dict(item.arch),
            model=_describe(item),
            precision=item.extra.get("precision"),
            batch=item.extra.get("batch"),
            protocol=self._protocol,
            latency_ms=latency,
            cpu_ms=summarise(cpu, self._protocol) if len(cpu) == len(counted) else None,
            normalised=normalised(latency.trimmed_mean, reference) if reference else None,
            overhead_ms=_mean([taken.overhead_ms for taken in counted]),
            rounds=rounds,
            flags=sorted(doubts),
            stopped=stopped,
            state={"before": self._before, "after": dict(after)},
            nasprof=__version__,
        )


def _check(items: Sequence[Item]) -> None:
    if not items:
        raise UsageError("nothing to measure: expected at least one model")
    names = [item.name for item in items]
    for name in names:
        if names.count(name) > 1 or name in (SENTINEL, EMPTY):
            raise UsageError(f"the name {name!r} is taken: expected another one for each model")
    for item in items:
        if not item.path.is_file():
            raise UsageError(f"model file {item.path} does not exist")


def _facts(session: Session, settings: RunSettings) -> dict[str, Any]:
    """What the session tells about what executes, and how."""
    known = session.provenance()
    affinity = known.get("affinity", settings.affinity)
    return {
        "runtime": settings.runtime,
        "runtime_version": known.get("runtime_version"),
        "runtime_facts": dict(known),
        "threads": known.get("threads", settings.threads),
        "affinity": None if affinity is None else list(affinity),
        "clock": {
            "wall_resolution_ns": known.get("wall_resolution_ns"),
            "cpu": known.get("cpu_clock"),
        },
    }
