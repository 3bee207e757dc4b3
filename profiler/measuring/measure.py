"""Measuring models on a device: in rounds, interleaved, next to a sentinel.

Models that are measured together take turns in random order, so that a slow minute of the device
falls on all of them. The sentinel, a model that is run in every round, tells such minutes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from devices import Device, DeviceError, ModelDetails, RunSettings, Session
from devices.base import NO_DETAILS
from devices.conditions import Conditions
from devices.digest import model_digest
from nasprof.errors import NasprofError, UsageError
from nasprof.signals import interruption
from profiler.measuring.inputs import failure
from profiler.measuring.journal import Journal
from profiler.measuring.patience import Patience
from profiler.measuring.protocol import Protocol
from profiler.measuring.records import Item, Measurement
from profiler.measuring.rounds import EMPTY, SENTINEL, Run, Status

__all__ = ["Cancelled", "Interrupted", "Status", "measure"]


class Interrupted(NasprofError):
    """A measurement ended before it was complete.

    Args:
        cause: what ended it.
        measurements: what was measured until then; those not complete have the flag "incomplete".
    """

    def __init__(self, cause: BaseException, measurements: Sequence[Measurement]) -> None:
        told = cause if isinstance(cause, NasprofError) else NasprofError(interruption(cause))
        if isinstance(cause, DeviceError) and cause.model is not None:
            told = failure(cause.model, cause)
        super().__init__(told.message, told.remedy)
        self.cause = cause
        self.measurements = list(measurements)

    @property
    def fault(self) -> DeviceError | None:
        """The failure if it is of one model, and came before anything was measured."""
        if self.measurements or not isinstance(self.cause, DeviceError):
            return None
        return self.cause if self.cause.model not in (None, SENTINEL, EMPTY) else None


class Cancelled(Interrupted):
    """The user pressed Ctrl-C, or the process was to end."""


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
    failed: Callable[[str, DeviceError], None] | None = None,
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
        failed: called with the name of a model that cannot be loaded or run, and why; the others
            are measured. Without it, with a journal, and for the last, that is an error.
        journal: file that keeps every visit; what an earlier run with the same settings left
            there is taken up. To be removed when the result is safe.
        patience_s: how long to wait for a device that was lost to come back.
        scout: visit every model twice first, which tells ``progress`` how long all will take.

    Returns:
        One measurement an item, in their order, without those that failed.

    Raises:
        DeviceError: the device cannot be used, or not with these settings.
        JournalMismatch: the journal was begun with other settings, models or on another device.
        JournalBusy: another process is at work on it.
        Interrupted: it refused a model or failed, with all that was measured until then.
        Cancelled: likewise, by Ctrl-C.
    """
    _check(items)
    take = partial(
        _take, device, settings, protocol=protocol, rng=rng, sentinel=sentinel, empty=empty,
        progress=progress or (lambda _: None), completed=completed, journal=journal,
        patience_s=patience_s, scout=scout,
    )  # fmt: skip
    left = list(items)
    while True:
        try:
            return take(left)
        except Interrupted as error:
            fault = error.fault
            if fault is None or failed is None or journal is not None or len(left) == 1:
                raise
            # The runner may have died of it: the others begin anew.
            left = [item for item in left if item.name != fault.model]
            failed(str(fault.model), fault)


def _take(
    device: Device,
    settings: RunSettings,
    items: Sequence[Item],
    *,
    protocol: Protocol,
    rng: np.random.Generator,
    sentinel: Path | None,
    empty: Path | None,
    progress: Callable[[Status], None],
    completed: Callable[[Measurement], None] | None,
    journal: Path | None,
    patience_s: float,
    scout: bool,
) -> list[Measurement]:
    """:func:`measure`, of which no model may fail."""
    conditions = Conditions.of(device, settings)
    began = datetime.now(UTC).isoformat(timespec="seconds")
    models = {item.name: item.path for item in items}
    if sentinel is not None and protocol.sentinel:
        models[SENTINEL] = sentinel
    if empty is not None:
        models[EMPTY] = empty
    with device.open(settings) as session, contextlib.ExitStack() as stack:
        facts = {
            "device": conditions.device,
            "device_fingerprint": conditions.device_fingerprint,
            **_facts(session, settings),
            "device_options": dict(conditions.device_options),
            "runtime_options": dict(conditions.runtime_options),
            "requested_affinity": conditions.to_dict()["affinity"],
            "time": began,
        }
        log = None
        if journal is not None:
            now = replace(conditions, runtime_version=facts["runtime_version"])
            details = {item.name: item.details for item in items}
            facts_now = journal_facts(now, protocol, models, details)
            log = stack.enter_context(Journal(journal, facts_now))
        digest = model_digest(models[SENTINEL]) if SENTINEL in models else None
        run = Run(session, items, protocol, facts, list(models), log, digest)
        run.completed = completed
        patient = Patience(device, session, patience_s, lambda what: progress(run.status(what)))
        with giving_partial(run.partial):
            patient(lambda: run.begin(models))
            if scout and run.active:
                patient(run.scout)
                progress(run.status())
            while run.active:
                patient(lambda: run.take_round(rng))
                progress(run.status())
    return [run.complete[item.name] for item in items]


@contextlib.contextmanager
def giving_partial(measured: Callable[[], Sequence[Measurement]]) -> Iterator[None]:
    """Give what was measured to whoever interrupts the work inside, or handles its failure.

    Raises:
        Interrupted: a device failed.
        Cancelled: the user pressed Ctrl-C.
    """
    try:
        yield
    except KeyboardInterrupt as cause:
        raise Cancelled(cause, measured()) from cause
    except DeviceError as cause:
        raise Interrupted(cause, measured()) from cause


def journal_facts(
    conditions: Conditions,
    protocol: Protocol,
    models: Mapping[str, Path],
    details: Mapping[str, ModelDetails] = MappingProxyType({}),
) -> dict[str, Any]:
    """What must be the same for what is in a journal to be gone on with."""
    contents = hashlib.sha256()
    for name in sorted(models):
        known = details.get(name, NO_DETAILS)
        digest = model_digest(models[name], known.companions)
        contents.update(name.encode(errors="surrogateescape") + bytes.fromhex(digest))
        if known.request({}):
            contents.update(json.dumps(known.request({}), sort_keys=True).encode())
    return {
        **conditions.to_dict(),
        "protocol": protocol.as_dict(),
        "models": contents.hexdigest(),
    }


def _check(items: Sequence[Item]) -> None:
    check_names([item.name for item in items])
    for item in items:
        if not item.path.is_file():
            raise UsageError(f"model file {item.path} does not exist")


def check_names(names: Sequence[str]) -> None:
    """Names of models that are measured must be unique.

    Raises:
        UsageError: naming one that is not, or there are none.
    """
    if not names:
        raise UsageError("nothing to measure: expected at least one model")
    counts = Counter([*names, SENTINEL, EMPTY])
    for name in names:
        if counts[name] > 1:
            raise UsageError(f"the name {name!r} is taken: expected another one for each model")


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
