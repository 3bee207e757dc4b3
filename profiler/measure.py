"""Measuring models on a device: in rounds, interleaved, next to a sentinel.

Models that are measured together take turns in random order, so that a slow minute of the device
falls on all of them. The sentinel, a model that is run in every round, tells such minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

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
        _take_rounds(run, session, rng, progress)
    return [run.complete[item.name] for item in items]


def _take_rounds(
    run: Run,
    session: Session,
    rng: np.random.Generator,
    progress: Callable[[Status], None] | None,
) -> None:
    """Take rounds until all models are complete, or give what there is to who interrupts."""
    try:
        while run.active:
            run.take_round(rng)
            if progress is not None:
                progress(run.status())
    except KeyboardInterrupt as cause:
        run.keep(session.partial, [INCOMPLETE])
        raise Cancelled(cause, run.partial()) from cause
    except DeviceError as cause:
        run.keep(cause.partial, [INCOMPLETE])
        raise Interrupted(cause, run.partial()) from cause


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
