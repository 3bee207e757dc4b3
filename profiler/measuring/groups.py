"""Measuring more models than memory holds at once: in groups, each beside the same sentinel.

All models of a group are loaded together and take turns in its rounds, as few models would. Groups
are compared by the sentinel: one whose sentinel took longer or shorter than the first group's is
marked "drift", as rounds are.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from devices import Device, DeviceError, RunSettings, host
from nasprof.errors import NasprofError
from profiler.measuring.measure import Interrupted, check_names, measure
from profiler.measuring.protocol import Protocol
from profiler.measuring.records import Item, Measurement
from profiler.measuring.rounds import Status
from profiler.measuring.schedule import DRIFT

MEMORY_BYTES = 1 << 30
"""What the models of a group may take together, in memory and in temporary files."""

_WORTH_SAYING = 256 << 20
# What loading takes of a model file's size (measured with 10 and 20 networks of OFA's space).
_IN_MEMORY = {".onnx": 1.6, ".tflite": 2.7}
_IN_MEMORY_ELSE = 2.0


@dataclass(frozen=True)
class Work:
    """A model to be measured, whose file is made when its turn comes.

    Args:
        name: unique among all.
        make: makes the file in a folder, or names one that is there.
        file_bytes: size of the file, about.
        run_bytes: what running it takes besides, about.
        suffix: of the file.
        written: whether ``make`` writes it.
    """

    name: str
    make: Callable[[Path], Item]
    file_bytes: int
    suffix: str
    run_bytes: int = 0
    written: bool = True

    @property
    def memory_bytes(self) -> int:
        """What it takes in memory, about."""
        factor = _IN_MEMORY.get(self.suffix, _IN_MEMORY_ELSE)
        return int(factor * self.file_bytes) + self.run_bytes

    @property
    def disk_bytes(self) -> int:
        """What it takes in temporary files, about."""
        return self.file_bytes if self.written else 0


@dataclass(frozen=True)
class Listeners:
    """Whom to tell what while groups are measured.

    See :func:`profiler.measuring.measure.measure`.
    """

    progress: Callable[[Status], None] = lambda status: None
    completed: Callable[[Measurement], None] = lambda result: None
    failed: Callable[[str, DeviceError], None] | None = None


def grouped(works: Sequence[Work], most_bytes: int) -> list[list[Work]]:
    """The models in their order, in as few groups as fit, of about the same size.

    A model that is too large for the limit has a group of its own.
    """
    sizes = [max(work.memory_bytes, work.disk_bytes) for work in works]
    count = len(_filled(works, sizes, most_bytes))
    for share in np.linspace(sum(sizes) / max(count, 1), most_bytes, 20):
        if len(even := _filled(works, sizes, share)) <= count:
            return even
    return _filled(works, sizes, most_bytes)


def _filled(works: Sequence[Work], sizes: Sequence[int], most_bytes: float) -> list[list[Work]]:
    groups: list[list[Work]] = []
    left = 0.0
    for work, size in zip(works, sizes, strict=True):
        if not groups or size > left:
            groups.append([])
            left = most_bytes
        groups[-1].append(work)
        left -= size
    return groups


def limit_bytes(device: Device, folder: Path) -> int:
    """What a group may take here: no more than half of what is free in memory and in a folder."""
    limits = [MEMORY_BYTES, shutil.disk_usage(folder).free // 2]
    available = host.available_memory() if device.local else None
    return min(limits) if available is None else min(*limits, available // 2)


def forecast(groups: Sequence[Sequence[Work]], protocol: Protocol) -> str | None:
    """What measuring will take, in a sentence; None where that is not worth one."""
    memory = max(sum(work.memory_bytes for work in group) for group in groups)
    disk = max(sum(work.disk_bytes for work in group) for group in groups)
    if len(groups) == 1 and memory < _WORTH_SAYING:
        return None
    count = sum(map(len, groups))
    text = f"{count} {'model' if count == 1 else 'models'}: about {_gigabytes(memory)} of memory"
    text += f" and {_gigabytes(disk)} of temporary files" if disk else ""
    if len(groups) > 1:
        text += f" at a time, in {len(groups)} groups of at most {max(map(len, groups))}"
        text += ", each beside the same sentinel"
    if protocol.limit_s is not None:
        text += f"; up to {_minutes(count * protocol.limit_s)}"
    return text


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{max(1, count // 1_000_000)} MB"


def _minutes(seconds: float) -> str:
    minutes = max(1, round(seconds / 60))
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.0f} h"


def measure_groups(
    device: Device,
    settings: RunSettings,
    groups: Sequence[Sequence[Work]],
    protocol: Protocol,
    rng: np.random.Generator,
    folder: Path,
    references: tuple[Path, Path],
    told: Listeners,
) -> list[Measurement]:
    """Measure group after group; the files of one are gone before those of the next are made.

    Args:
        groups: models whose names are unique.
        folder: for their files.
        references: model files of the sentinel and of the empty network.

    Returns:
        One measurement a model, in their order, without those that failed.

    Raises:
        UsageError: names are not unique.
        DeviceError: the device cannot be used, or not with these settings.
        Interrupted, Cancelled: with what was measured until then, of all groups.
        NasprofError: no model could be measured.
    """
    check_names([work.name for group in groups for work in group])
    done = _Done(told, sum(map(len, groups)))
    failure: Interrupted | None = None
    for number, group in enumerate(groups):
        here = folder / f"group{number}"
        try:
            items = _made(group, here)
            done.begin(len(items))
            done.results += measure(
                device,
                done.on_same_cores(settings),
                items,
                protocol,
                rng,
                sentinel=references[0],
                empty=references[1],
                progress=done.progress,
                completed=done.completed,
                failed=told.failed,
            )
        except Interrupted as error:
            if error.fault is None or told.failed is None or len(groups) == 1:
                error.measurements = done.marked(error.measurements)
                raise
            told.failed(str(error.fault.model), error.fault)
            failure = error
        except NasprofError as error:
            if not done.results:
                raise
            raise Interrupted(error, done.marked()) from error
        finally:
            shutil.rmtree(here, ignore_errors=True)
    if failure is not None and not done.results:
        raise failure
    return done.marked()


def _made(group: Sequence[Work], folder: Path) -> list[Item]:
    folder.mkdir()
    return [work.make(folder) for work in group]


@dataclass
class _Done:
    """What groups have given so far."""

    told: Listeners
    total: int
    results: list[Measurement] = field(default_factory=list)
    _size: int = 0
    _reference_ms: float | None = None

    def begin(self, size: int) -> None:
        """A group of that many models begins."""
        self._size = size
        if self._reference_ms is None:
            times = [ms for result in self.results if (ms := _sentinel_ms(result)) is not None]
            self._reference_ms = float(np.median(times)) if times else None

    def completed(self, result: Measurement) -> None:
        """Tell of a measurement that is complete."""
        self.told.completed(self._mark(result))

    def progress(self, status: Status) -> None:
        """Tell how far all groups have come, where one is that far."""
        before, after = len(self.results), self.total - len(self.results) - self._size
        each_s = (status.elapsed_s + status.remaining_s) / max(1, self._size)
        self.told.progress(
            replace(
                status,
                complete=before + status.complete,
                total=self.total,
                elapsed_s=status.elapsed_s + each_s * before,
                remaining_s=status.remaining_s + each_s * max(0, after),
            )
        )

    def on_same_cores(self, settings: RunSettings) -> RunSettings:
        """The settings of the next group: cores that were chosen for the first one stay."""
        chosen = next((result.affinity for result in self.results if result.affinity), None)
        if settings.affinity or chosen is None:
            return settings
        return replace(settings, affinity=tuple(chosen))

    def marked(self, more: Sequence[Measurement] = ()) -> list[Measurement]:
        """All measurements, those of another speed than the first group's with "drift"."""
        return [self._mark(result) for result in (*self.results, *more)]

    def _mark(self, result: Measurement) -> Measurement:
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
