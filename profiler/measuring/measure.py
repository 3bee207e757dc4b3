"""Measuring models on a device: in rounds, interleaved, next to a sentinel.

Models that are measured together take turns in random order, so that a slow minute of the device
falls on all of them. The sentinel, a model that is run in every round, tells such minutes.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from nasprof.errors import UsageError
from profiler.measuring.facts import begin_facts, journal_facts, session_facts
from profiler.measuring.interruption import Interrupted, giving_partial
from profiler.measuring.journal import Journal
from profiler.measuring.patience import Patience
from profiler.measuring.records import Measurement
from profiler.measuring.request import MeasureRequest
from profiler.measuring.rounds import Run
from profiler.measuring.status import EMPTY, SENTINEL
from profiler.model_files.model_file import ModelFile


def measure_files(files: Sequence[ModelFile], request: MeasureRequest) -> list[Measurement]:
    """Measure model files on a device.

    A model is complete when the 95 % interval of the trimmed mean of its wall-clock samples is
    within the protocol's target, or at the protocol's limit; the others go on without it. The
    wall clock decides because its trimmed mean is the headline; CPU time would look settled
    while another job shifts what a user waits for.

    Args:
        files: at least one, names unique.
        request: device, protocol, what runs beside the models, whom to tell.

    Returns:
        One measurement a file, in their order, without those that failed.

    Raises:
        DeviceError: the device cannot be used, or not with these settings.
        JournalMismatch: the journal was begun with other settings, models or on another device.
        JournalBusy: another process is at work on it.
        Interrupted: it refused a model or failed, with all that was measured until then.
        Cancelled: likewise, by Ctrl-C.
    """
    _check(files)
    left = list(files)
    while True:
        try:
            return _measure_all(left, request)
        except Interrupted as error:
            fault, failed = error.fault, request.listeners.failed
            if fault is None or failed is None or request.journal is not None or len(left) == 1:
                raise
            # The runner may have died of it: the others begin anew.
            left = [file for file in left if file.name != fault.model]
            failed(str(fault.model), fault)


def _measure_all(files: Sequence[ModelFile], request: MeasureRequest) -> list[Measurement]:
    """:func:`measure_files`, of which no model may fail."""
    backend, progress = request.backend, request.listeners.progress
    conditions = backend.conditions()
    facts = begin_facts(conditions)
    models = {file.name: file.path for file in files} | request.references()
    with contextlib.ExitStack() as stack:
        session = stack.enter_context(backend.open())
        facts |= session_facts(session, backend.settings)
        journal = None
        if request.journal is not None:
            now = replace(conditions, runtime_version=facts["runtime_version"])
            details = {file.name: file.details for file in files}
            known = journal_facts(now, request.protocol, models, details)
            journal = stack.enter_context(Journal(request.journal, known))
        run = Run(session, files, request.protocol, facts, models, journal)
        run.completed = request.listeners.completed
        patient = Patience(
            backend.device,
            session,
            request.patience_s,
            lambda reason: progress(run.status(reason)),
        )
        with giving_partial(run.partial):
            patient(run.begin)
            if request.scout and run.active:
                patient(run.scout)
                progress(run.status())
            while run.active:
                patient(lambda: run.take_round(request.rng))
                progress(run.status())
    return [run.complete[file.name] for file in files]


def _check(files: Sequence[ModelFile]) -> None:
    check_names([file.name for file in files])
    for file in files:
        if not file.path.is_file():
            raise UsageError(f"model file {file.path} does not exist")


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
