"""Writing a network as a model file, with the drift that lower precision brings."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from nasprof.files import write_atomic
from nasprof.log import logger
from nasprof.normalisation import Normalisation
from nasprof.temporary import TemporaryFolder
from nasprof.typing import JsonObject
from profiler.lowering.base import Format, find_format
from profiler.lowering.calibration import (
    Batches,
    Samples,
    batches_of,
    checked_samples,
    drift,
    random_inputs,
)
from profiler.lowering.check import check_weights
from profiler.lowering.fold import Array
from profiler.lowering.options import DEFAULTS, FileOptions
from profiler.lowering.pixels import check_pixels
from spaces.fold import Weights
from spaces.graph import Network


@dataclass(frozen=True)
class Lowered:
    """A model file that was written.

    Args:
        path: the file.
        format: "onnx", "tflite" or "torch".
        precision: "fp32", "fp16" or "int8".
        batch: samples a run, fixed in the file.
        sha256: of the file's content, hexadecimal.
        size_bytes: of the file.
        drift: how far its outputs are from those at fp32 on the calibration inputs: ``cosine``
            similarity (mean over samples), ``max_abs`` difference, ``top1_agreement`` (share of
            samples whose largest output is the same one) and ``samples``; None at fp32.
        pixels: how it normalises the raw pixels that it takes; None if it takes none.
    """

    path: Path
    format: str
    precision: str
    batch: int
    sha256: str
    size_bytes: int
    drift: JsonObject | None = None
    pixels: Normalisation | None = None


def lower(
    network: Network,
    weights: Weights,
    path: Path,
    format: str,
    options: FileOptions = DEFAULTS,
) -> Lowered:
    """Write ``network`` to ``path``.

    Args:
        network: what to write.
        weights: every array that ``network.arrays()`` names.
        path: the file; replaced as a whole.
        format: a name in ``formats``.
        options: precision, batch, calibration, and whether it takes raw pixels.

    Raises:
        UsageError: unknown format or precision, weights or inputs that do not fit.
        NasprofError: the file cannot be written.
    """
    precision, batch = options.precision, options.batch
    writer = find_format(format, precision)
    check_weights(weights, network.arrays())
    if options.pixels is not None:
        check_pixels(options.pixels, network)
    facts: JsonObject = {
        "format": format,
        "precision": precision,
        "batch": batch,
        "pixels": options.pixels,
    }

    def encode(precision: str, batch: int) -> bytes:
        return writer.encode(network, weights, replace(options, precision=precision, batch=batch))

    whole = encode("fp32", batch)
    if precision == "fp32":
        return _write(path, whole, facts)
    samples = _samples(network, options)
    if precision == "int8":
        content = writer.quantize(whole, samples, partial(encode, "fp32"))
    else:
        content = encode(precision, batch)
    batches = batches_of(samples, batch)
    moved = drift(_outputs(writer, whole, batches), _outputs(writer, content, batches))
    return _write(path, content, facts | {"drift": moved})


def _samples(network: Network, options: FileOptions) -> Samples:
    if options.calibration is not None:
        return checked_samples(options.calibration, network, options.pixels)
    if options.precision == "int8":
        logger.warning(
            "The ranges of int8 are set by random inputs: the file's accuracy may be much lower, "
            "by up to 34 points where that was measured. Give some 100 real images for calibration."
        )
    return random_inputs(network, options.rng, options.pixels)


def _outputs(writer: Format, content: bytes, batches: Batches) -> list[Array]:
    with TemporaryFolder() as folder:
        path = folder / f"model{writer.suffix}"
        path.write_bytes(content)
        return writer.run(path, batches)


def _write(path: Path, content: bytes, facts: JsonObject) -> Lowered:
    write_atomic(path, content)
    return describe(path, content, **facts)


def describe(path: Path, content: bytes, **facts: Any) -> Lowered:
    """What was written to ``path``."""
    sha256 = hashlib.sha256(content).hexdigest()
    return Lowered(path=path, sha256=sha256, size_bytes=len(content), **facts)
