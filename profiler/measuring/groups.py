"""Measuring more models than memory holds at once: in groups, each beside the same sentinel.

All models of a group are loaded together and take turns in its rounds, as few models would. Groups
are compared by the sentinel: one whose sentinel took longer or shorter than the first group's is
marked "drift", as rounds are.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from devices import Backend
from nasprof.errors import NasprofError
from profiler.measuring.interruption import Interrupted
from profiler.measuring.measure import check_names, measure_files
from profiler.measuring.pending import PendingModel
from profiler.measuring.records import Measurement
from profiler.measuring.request import MeasureRequest
from profiler.measuring.schedule import DRIFT
from profiler.measuring.status import Status
from profiler.model_files.model_file import ModelFile


def measure_groups(
    groups: Sequence[Sequence[PendingModel]], request: MeasureRequest, folder: Path
) -> list[Measurement]:
    """Measure group after group; the files of one are gone before those of the next are made.

    Args:
        groups: models whose names are unique.
        request: how each group is measured, and who is told what of all of them.
        folder: for their files.

    Returns:
        One measurement a model, in their order, without those that failed.

    Raises:
        UsageError: names are not unique.
        DeviceError: the device cannot be used, or not with these settings.
        Interrupted, Cancelled: with what was measured until then, of all groups.
        NasprofError: no model could be measured.
    """
    check_names([model.name for group in groups for model in group])
    failed = request.listeners.failed
    series = _Series(request, sum(map(len, groups)))
    failure: Interrupted | None = None
    for number, group in enumerate(groups):
        here = folder / f"group{number}"
        try:
            series.take(_made(group, here))
        except Interrupted as error:
            if error.fault is None or failed is None or len(groups) == 1:
                error.measurements = series.marked(error.measurements)
                raise
            failed(str(error.fault.model), error.fault)
            failure = error
        except NasprofError as error:
            if not series.results:
                raise
            raise Interrupted(error, series.marked()) from error
        finally:
            shutil.rmtree(here, ignore_errors=True)
    if failure is not None and not series.results:
        raise failure
    return series.marked()


def _made(group: Sequence[PendingModel], folder: Path) -> list[ModelFile]:
    folder.mkdir()
    return [model.make(folder) for model in group]


@dataclass
class _Series:
    """Groups measured so far."""

    request: MeasureRequest
    total: int
    results: list[Measurement] = field(default_factory=list)
    _size: int = 0
    _reference_ms: float | None = None

    def take(self, files: Sequence[ModelFile]) -> None:
        """Measure one more group."""
        self._size = len(files)
        if self._reference_ms is None:
            times = [ms for result in self.results if (ms := _sentinel_ms(result)) is not None]
            self._reference_ms = float(np.median(times)) if times else None
        listeners = replace(
            self.request.listeners, progress=self._progress, completed=self._completed
        )
        request = replace(self.request, backend=self._on_same_cores(), listeners=listeners)
        self.results += measure_files(files, request)

    def _completed(self, result: Measurement) -> None:
        self.request.listeners.completed(self._mark(result))

    def _progress(self, status: Status) -> None:
        """Tell how far all groups have come, where one is that far."""
        before, after = len(self.results), self.total - len(self.results) - self._size
        each_s = (status.elapsed_s + status.remaining_s) / max(1, self._size)
        self.request.listeners.progress(
            replace(
                status,
                complete=before + status.complete,
                total=self.total,
                elapsed_s=status.elapsed_s + each_s * before,
                remaining_s=status.remaining_s + each_s * max(0, after),
            )
        )

    def _on_same_cores(self) -> Backend:
        """Cores that were chosen for the first group stay those of the next ones."""
        backend = self.request.backend
        cores = next((result.affinity for result in self.results if result.affinity), None)
        if backend.settings.affinity or cores is None:
            return backend
        return replace(backend, settings=replace(backend.settings, affinity=tuple(cores)))

    def marked(self, more: Sequence[Measurement] = ()) -> list[Measurement]:
        """All measurements, those of another speed than the first group's with "drift"."""
        return [self._mark(result) for result in (*self.results, *more)]

    def _mark(self, result: Measurement) -> Measurement:
        if self.results:  # what was asked for is the same of all groups
            affinity = self.results[0].requested_affinity
            result = replace(result, requested_affinity=affinity)
        sentinel_ms = _sentinel_ms(result)
        if self._reference_ms is None or sentinel_ms is None:
            return result
        off = abs(sentinel_ms / self._reference_ms - 1)
        if off <= result.protocol.drift_limit:
            return result
        return replace(result, flags=sorted({*result.flags, DRIFT}))


def _sentinel_ms(result: Measurement) -> float | None:
    """The sentinel's latency beside a model by the wall clock; None without one."""
    known = {} if result.sentinel is None else result.sentinel["latency_ms"]
    value = known.get("wall")
    return None if value is None else float(value)
