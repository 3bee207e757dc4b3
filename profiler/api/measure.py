"""The latency of architectures and model files on a device."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from devices import Backend, Target
from luts import LookupTable, Speed, read_cost_model
from nasprof.errors import NasprofError, UsageError
from nasprof.log import logger
from nasprof.results import Records
from nasprof.temporary import TemporaryFolder
from nasprof.typing import JsonObject
from profiler.measuring.grouping import forecast, grouped, limit_bytes
from profiler.measuring.groups import measure_groups
from profiler.measuring.interruption import Interrupted
from profiler.measuring.pending import PendingModel, pending_model
from profiler.measuring.protocol import Protocol, as_protocol
from profiler.measuring.records import Measurement
from profiler.measuring.request import Listeners, MeasureRequest
from profiler.measuring.saved import Saver
from profiler.measuring.schedule import INCOMPLETE
from profiler.measuring.speed import speed_beside
from profiler.model_files.backends import backend_of
from profiler.model_files.formats import format_for
from profiler.model_files.inputs import ModelInputs
from profiler.model_files.lowered import LoweringOptions
from profiler.model_files.model_file import ModelFile
from profiler.model_files.models import ModelLike, NamedModel, named_models
from profiler.model_files.references import reference_files
from profiler.reports.measurements import flat_row
from profiler.tables.plan import Plan
from spaces import parse_arch


@dataclass(frozen=True)
class TableSpeed:
    """The device's speed while something was measured, beside when the user's own table was."""

    speed: Speed
    table: str

    def to_dict(self) -> JsonObject:
        """As JSON."""
        return {**self.speed.to_dict(), "table": self.table}


class Measurements(Records[Measurement]):
    """Measurements in the order of their models, without those that failed.

    Args:
        results: in order.
        failed: names of models that could not be measured.
        speed: the device's, beside the user's own table of it; None without one.
        save_error: why results are not in the file that they were to be saved in; None if they
            are.
    """

    def __init__(
        self,
        results: Iterable[Measurement],
        failed: Sequence[str] = (),
        speed: TableSpeed | None = None,
        save_error: NasprofError | None = None,
    ) -> None:
        super().__init__(results)
        self.failed = tuple(failed)
        self.speed = speed
        self.save_error = save_error

    def to_dict(self) -> list[JsonObject]:
        """As JSON: what ``nasprof measure --json`` prints."""
        speed = None if self.speed is None else self.speed.to_dict()
        return [{**result.to_dict(), "speed": speed} for result in self]

    def rows(self) -> list[JsonObject]:
        """A flat row each: the columns of ``nasprof measure --csv``."""
        return [flat_row(result.to_dict()) for result in self]


def measure(
    models: ModelLike | Iterable[ModelLike],
    device: Target | str | None = None,
    *,
    protocol: str | Protocol | None = None,
    lowering: LoweringOptions | None = None,
    inputs: ModelInputs | None = None,
    save: str | Path | None = None,
    listeners: Listeners | None = None,
) -> Measurements:
    """Measure how long networks take on a device.

    Several are measured in interleaved rounds, so that what disturbs one disturbs all.

    Args:
        models: architectures (files, dicts, spaces with genes ``(n_genes,)`` or ``(n, n_genes)``),
            model files (``.onnx``, ``.tflite``, ``.pt``), or :class:`TorchModel`; one or several.
        device: its name, or a :class:`Target` that also says runtime, threads and affinity; this
            machine's processor unless given.
        protocol: "adaptive", "quick", "thorough", "fixed", "pomonag", with changes if any
            (``"fixed:runs=50,rounds=5"``), or one; the device's own unless given.
        lowering: precision, batch and weights of architectures; its seed is that of the rounds'
            order, too.
        inputs: shapes, open sizes and values of model files' inputs.
        save: append results to this file (``.jsonl``) as they come, also those of a measurement
            that is interrupted.
        listeners: whom to tell of progress, results and failures. Without one for failures, the
            first model that cannot be run is an error.

    Returns:
        The measurements, with samples and everything that they depend on.

    Raises:
        UsageError: naming what is none of these, missing, or does not fit.
        DeviceError: the device cannot be used, or not with these settings.
        Interrupted: it failed meanwhile, with all that was measured until then.

    >>> from spaces import get_space
    >>> space = get_space("nasbench201", cells=1)
    >>> measured = measure((space, [0, 1, 2, 3, 4, 0]), protocol="quick:rounds=2,runs=1")
    >>> [(result.name, result.latency_ms.trimmed_mean > 0) for result in measured]
    [('arch0', True)]
    """
    lowering, listeners = lowering or LoweringOptions(), listeners or Listeners()
    named = _named(models, inputs or ModelInputs())
    files = [model.path for model in named if isinstance(model, ModelFile)]
    backend = backend_of(Target.of(device), files)
    protocol = as_protocol(protocol or backend.profile.protocol)
    form = format_for(backend.settings.runtime, files)
    pending = [pending_model(model, form, lowering) for model in named]
    saver = Saver(None if save is None else Path(save))
    request = MeasureRequest(
        backend, protocol, np.random.default_rng(lowering.seed), listeners=_also(listeners, saver)
    )
    with _kept(saver):
        results = _run(pending, form, request)
    measured = {result.name for result in results}
    failed = [model.name for model in named if model.name not in measured]
    return Measurements(results, failed, _speed(results, backend), saver.error)


def _run(
    pending: Sequence[PendingModel], format: str, request: MeasureRequest
) -> list[Measurement]:
    """Measure in as many groups as memory asks for, beside the reference files of a format."""
    with TemporaryFolder() as folder:
        sentinel, empty = reference_files(format, folder)
        groups = grouped(pending, limit_bytes(request.backend.device, folder))
        if (words := forecast(groups, request.protocol)) is not None:
            logger.info(words)
        return measure_groups(groups, replace(request, sentinel=sentinel, empty=empty), folder)


def _named(models: ModelLike | Iterable[ModelLike], inputs: ModelInputs) -> list[NamedModel]:
    """The models under names; at least one."""
    named = named_models(models, inputs.details)
    if not named:
        raise UsageError("nothing to measure: expected at least one model")
    if inputs and not any(isinstance(model, ModelFile) for model in named):
        raise UsageError("inputs are of model files, and there is none")
    return named


def _also(listeners: Listeners, saver: Saver) -> Listeners:
    """The same, and results are saved when they are complete."""

    def completed(result: Measurement) -> None:
        saver(result)
        listeners.completed(result)

    return replace(listeners, completed=completed)


@contextmanager
def _kept(saver: Saver) -> Iterator[None]:
    """Save what was measured until an interruption."""
    try:
        yield
    except Interrupted as error:
        for result in error.measurements:
            if INCOMPLETE in result.flags:
                saver(result)
        if saver.path is not None and error.measurements and saver.error is None:
            logger.info(
                f"What was measured until then is in {saver.path}, marked where incomplete."
            )
        raise


def _speed(results: Sequence[Measurement], backend: Backend) -> TableSpeed | None:
    """The device's speed beside when the user's own table of it was measured; None without one."""
    archs = (result.arch for result in results)
    space = next((parse_arch(arch)[0] for arch in archs if arch is not None), None)
    if space is None:
        return None
    try:
        plan = Plan((space,), as_protocol(backend.profile.table_protocol))
        path = plan.path(backend.profile, backend.settings)
        table = read_cost_model(path) if path.exists() else None
    except (NasprofError, OSError):
        return None  # a table that cannot be read is no matter of this measurement
    if not isinstance(table, LookupTable) or table.sentinel is None:
        return None
    speeds = speed_beside(results, table.sentinel) or {}
    speed = speeds.get(table.clock)
    return None if speed is None else TableSpeed(speed, table.name)
