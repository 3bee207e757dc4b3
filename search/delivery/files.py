"""The files of a delivery: written, run on test images, and timed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from devices import DeviceError, Target
from nasprof.classification import Accuracy, accuracy
from nasprof.errors import NasprofError, UsageError
from nasprof.log import logger
from nasprof.normalisation import Normalisation
from nasprof.typing import JsonObject, Progress
from profiler.api.measure import measure
from profiler.lowering import FileOptions, Lowered, lower
from profiler.measuring.interruption import Cancelled
from profiler.measuring.records import Measurement
from profiler.measuring.request import Listeners
from profiler.model_files.backends import backend_of
from profiler.model_files.formats import format_for
from profiler.model_files.logits import logits_of
from profiler.model_files.lowered import LoweringOptions, file_name
from profiler.model_files.model_file import ModelFile
from search.delivery.network import TrainedNetwork, agreement
from search.delivery.request import DeliveryOptions, DeliveryProgress
from supernets.data import Split

_SENT_BYTES = 1 << 30
"""Of test images that each file is run on elsewhere: a minute over USB 2."""


@dataclass(frozen=True)
class FileAccuracy:
    """How accurate a file was where it was run.

    Args:
        device: where that was.
        accuracy: on the test images; elsewhere on as many as 1 GB holds.
        agreement: percent of them of which torch finds the same class.
        max_difference: of a logit, from torch's.
    """

    device: str
    accuracy: Accuracy
    agreement: float
    max_difference: float

    @classmethod
    def of(cls, device: str, logits: NDArray[np.float32], network: TrainedNetwork) -> FileAccuracy:
        """From what a file says of the first test images, ``(n, classes)``."""
        expected = network.logits[: len(logits)]
        return cls(
            device=device,
            accuracy=accuracy(logits, network.labels[: len(logits)]),
            agreement=agreement(logits, expected),
            max_difference=float(np.abs(logits - expected).max()),
        )

    def to_dict(self) -> JsonObject:
        """As JSON."""
        return {
            **self.accuracy.to_dict(),
            "agreement": self.agreement,
            "max_difference": self.max_difference,
            "device": self.device,
        }


@dataclass(frozen=True)
class DeliveredFile:
    """A model file, how accurate it is and how long it takes.

    Args:
        written: the file.
        here: its accuracy on this machine's processor.
        there: its accuracy on another device; None without one, or where that returns no outputs.
        there_error: why not, if it was to be run there.
        latency: on the device; None where it could not be measured.
        latency_error: why not.
    """

    written: Lowered
    here: FileAccuracy
    there: FileAccuracy | None = None
    there_error: str | None = None
    latency: Measurement | None = None
    latency_error: str | None = None

    @property
    def name(self) -> str:
        """Of the file."""
        return self.written.path.name

    @property
    def latency_ms(self) -> float | None:
        """Trimmed mean by the wall clock."""
        return None if self.latency is None else self.latency.latency_ms.trimmed_mean

    def to_dict(self) -> JsonObject:
        """As JSON; what is not known is null, with the reason beside it."""
        written, own = self.written, self.here.to_dict()
        return {
            "path": str(written.path),
            "name": self.name,
            "format": written.format,
            "precision": written.precision,
            "size_bytes": written.size_bytes,
            "sha256": written.sha256,
            **own,
            "on_device": None if self.there is None else self.there.to_dict(),
            "on_device_error": self.there_error,
            "latency_ms": self.latency_ms,
            "latency": None if self.latency is None else _latency(self.latency),
            "latency_error": self.latency_error,
        }


def _latency(measured: Measurement) -> JsonObject:
    """What a latency is of, without its samples."""
    record = measured.to_dict()
    names = (
        *("device", "device_fingerprint", "device_options", "runtime", "runtime_version"),
        *("runtime_options", "threads", "affinity", "batch", "protocol", "clock"),
        *("latency_ms", "cpu_ms", "multiples", "flags", "stopped", "time"),
    )
    return {name: record[name] for name in names}


def write_files(network: TrainedNetwork, options: DeliveryOptions, folder: Path) -> list[Lowered]:
    """Write the network in every format at every precision.

    Raises:
        NasprofError: a file cannot be written.
    """
    pixels = network.normalisation if options.uint8_input else None
    calibration = network.calibration(options.calibration, options.uint8_input, options.seed)
    weights = network.subnet.arrays()
    written = []
    for format in options.formats:
        for precision in options.precisions:
            name = file_name(network.arch.name, format, LoweringOptions(precision, pixels=pixels))
            file_options = FileOptions(precision, calibration=calibration, pixels=pixels)
            written.append(
                lower(network.subnet.network, weights, folder / name, format, file_options)
            )
    return written


def evaluated(
    written: Sequence[Lowered], network: TrainedNetwork, target: Target, progress: Progress
) -> list[DeliveredFile]:
    """The files with their accuracy here, and on the device where that is another one.

    Raises:
        NasprofError: a file cannot be run here.
    """
    machine, other = _where(target)
    count = len(written) * (1 if other is None else 2)
    files = []
    for number, one in enumerate(written):
        # Whatever is to be timed with which runtime, accuracy is of every file.
        able = machine if _runs(machine, one.format) else replace(machine, runtime=None)
        here = _run(one, network, network.data.test, able, _part(progress, number, count))
        files.append(DeliveredFile(one, here))
    if other is None:
        return files
    for number, file in enumerate(files):
        part = _part(progress, len(files) + number, count)
        images = _sent(network.data.test, file.written, network.data.image_shape)
        try:
            there = _run(file.written, network, images, other, part)
            files[number] = replace(file, there=there)
        except NasprofError as error:
            logger.warning(f"The accuracy of {file.name} on the device is not known: {error}")
            files[number] = replace(file, there_error=error.message)
    return files


def _where(target: Target) -> tuple[Target, Target | None]:
    """This machine's processor, and the device if it is another one."""
    if target.resolve().device.profile.kind == "cpu":
        return target, None
    return Target("cpu"), target


def _sent(images: Split, written: Lowered, image_shape: tuple[int, int, int]) -> Split:
    """The first images of a split, which are a sample of all, as many as are sent to a device."""
    most = _SENT_BYTES // (prod(image_shape) * (4 if written.pixels is None else 1))
    return replace(images, labels=images.labels[:most], rows=images.rows[:most])


def _run(
    written: Lowered, network: TrainedNetwork, images: Split, target: Target, progress: Progress
) -> FileAccuracy:
    backend = backend_of(_for_format(target, written.format), [written.path])
    with backend.open() as session:
        normalisation = _normalisation(written, network)
        logits = logits_of(written.path, images, session, normalisation, progress)
    return FileAccuracy.of(backend.label, logits.astype(np.float32), network)


def _normalisation(written: Lowered, network: TrainedNetwork) -> Normalisation | None:
    return network.normalisation if written.pixels is None else None


def _runs(target: Target, format: str) -> bool:
    return target.runtime is None or format_for(target.runtime) == format


def _for_format(target: Target, format: str) -> Target:
    """The target, if its runtime executes files of that format.

    Raises:
        UsageError: it does not.
    """
    if not _runs(target, format):
        raise UsageError(
            f"{target.runtime} runs no {format} files",
            "Leave out --runtime, or deliver the format that it runs.",
        )
    return target


def _part(progress: Progress, done: int, count: int) -> Progress:
    """Progress of one file of several that take as long as each other."""
    return lambda images, total: progress(done * total + images, count * total)


def timed(
    files: Sequence[DeliveredFile],
    network: TrainedNetwork,
    target: Target,
    options: DeliveryOptions,
    progress: DeliveryProgress,
) -> list[DeliveredFile]:
    """The files with their latency on a device; those of one runtime are measured together.

    Raises:
        Cancelled: the user pressed Ctrl-C.
    """
    measured: dict[str, Measurement] = {}
    errors: dict[str, str] = {}

    def failed(name: str, error: DeviceError) -> None:
        errors[name] = error.message

    for format in dict.fromkeys(file.written.format for file in files):
        models = [_model(file, network) for file in files if file.written.format == format]
        try:
            results = measure(
                models,
                _for_format(target, format),
                protocol=options.protocol,
                listeners=Listeners(progress.latency, failed=failed),
            )
            measured |= {result.name: result for result in results}
        except Cancelled:
            raise
        except NasprofError as error:
            errors |= {model.name: error.message for model in models}
    for name, why in errors.items():
        logger.warning(f"The latency of {name} is not known: {why}")
    return [
        replace(file, latency=measured.get(file.name), latency_error=errors.get(file.name))
        for file in files
    ]


def _model(file: DeliveredFile, network: TrainedNetwork) -> ModelFile:
    """A file as it is measured."""
    written = file.written
    facts = {
        "precision": written.precision,
        "batch": written.batch,
        "weights": network.source.digest,
    }
    return ModelFile(file.name, written.path, network.arch.arch, facts)
