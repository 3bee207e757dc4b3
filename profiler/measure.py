"""Measuring models on a device: in rounds, interleaved, next to a sentinel.

Models that are measured together take turns in random order, so that a slow minute of the device
falls on all of them. The sentinel, a model that is run in every round, tells such minutes.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from devices import (
    Device,
    DeviceError,
    DeviceLost,
    DeviceTimeout,
    DeviceUnreachable,
    RunSettings,
    Session,
)
from nasprof.errors import NasprofError, UsageError
from profiler.conditions import Conditions
from profiler.journal import Journal
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
    completed: Callable[[Measurement], None] | None = None,
    journal: Path | None = None,
    patience_s: float = 0.0,
    scout: bool = False,
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
        completed: called with each measurement as soon as it is complete.
        journal: file that keeps every visit; what an earlier run with the same settings left
            there is taken up. To be removed when the result is safe.
        patience_s: how long to wait for a device that was lost to come back.
        scout: visit every model twice first, which tells ``progress`` how long all will take.

    Returns:
        One measurement an item, in their order.

    Raises:
        DeviceError: the device cannot be used, or not with these settings or models.
        JournalMismatch: the journal was begun with other settings, models or on another device.
        JournalBusy: another process is at work on it.
        Interrupted: it failed while measuring, with all that was measured until then.
        Cancelled: likewise, by Ctrl-C.
    """
    _check(items)
    conditions = Conditions.of(device, settings)
    began = datetime.now(UTC).isoformat(timespec="seconds")
    models = {item.name: item.path for item in items}
    if sentinel is not None and protocol.sentinel:
        models[SENTINEL] = sentinel
    if empty is not None:
        models[EMPTY] = empty
    tell = progress or (lambda _: None)
    with device.open(settings) as session, contextlib.ExitStack() as stack:
        facts = {
            "device": conditions.device,
            "device_fingerprint": conditions.device_fingerprint,
            **_facts(session, settings),
        }
        log = None
        if journal is not None:
            now = replace(conditions, runtime_version=facts["runtime_version"])
            log = stack.enter_context(Journal(journal, journal_facts(now, protocol, models)))
        session.load(models)
        run = Run(session, items, protocol, {**facts, "time": began}, list(models), log)
        run.completed = completed
        if log is not None and log.earlier:
            run.settle()
        if scout and run.active:
            run.scout()
            tell(run.status())
        _take_rounds(run, device, session, rng, tell, patience_s)
    return [run.complete[item.name] for item in items]


def _take_rounds(
    run: Run,
    device: Device,
    session: Session,
    rng: np.random.Generator,
    tell: Callable[[Status], None],
    patience_s: float,
) -> None:
    """Take rounds until all models are complete, or give what there is to who interrupts."""
    lost_since = None
    try:
        while run.active:
            try:
                run.take_round(rng)
            except (DeviceLost, DeviceTimeout, DeviceUnreachable) as cause:
                lost_since = lost_since or time.monotonic()
                left_s = lost_since + patience_s - time.monotonic()
                if left_s <= 0:
                    raise
                run.keep(cause.partial)
                tell(run.status(f"lost the device ({cause.message}); waiting for it"))
                _wait_for(device, left_s, cause)
                continue
            lost_since = None
            tell(run.status())
    except KeyboardInterrupt as cause:
        run.keep(session.partial, [INCOMPLETE])
        raise Cancelled(cause, run.partial()) from cause
    except DeviceError as cause:
        run.keep(cause.partial, [INCOMPLETE])
        raise Interrupted(cause, run.partial()) from cause


def _wait_for(device: Device, limit_s: float, cause: DeviceError) -> None:
    """Return when the device answers again; else the error that lost it is what there is to say."""
    end = time.monotonic() + limit_s
    while not device.check().ok:
        if time.monotonic() > end:
            # What it had given was kept when it was lost.
            cause.partial = {}
            raise cause
        time.sleep(1.0)


def journal_facts(
    conditions: Conditions, protocol: Protocol, models: Mapping[str, Path]
) -> dict[str, Any]:
    """What must be the same for what is in a journal to be gone on with."""
    contents = hashlib.sha256()
    for name in sorted(models):
        contents.update(name.encode() + hashlib.sha256(models[name].read_bytes()).digest())
    return {
        **conditions.as_dict(),
        "protocol": protocol.as_dict(),
        "models": contents.hexdigest(),
    }


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
