"""Architectures as model files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nasprof.arrays import read_npy, require_finite
from nasprof.errors import UsageError
from nasprof.reader import brief
from profiler.lowering import (
    FileOptions,
    Lowered,
    PixelInput,
    formats,
    load_weights,
    lower,
    random_inputs,
)
from profiler.model_files.architectures import NamedArch
from spaces.graph import Network
from spaces.weights import random_weights


@dataclass(frozen=True)
class LoweringOptions:
    """How architectures become model files; see :func:`profiler.lowering.lower`.

    Args:
        precision: "fp32", "fp16" or "int8", where the format has it.
        batch: images a run, fixed in the file.
        weights: checkpoint (``.npz``, ``.safetensors``, ``.pth``) to take the weights from, the
            network's own or an OFA supernet's; seeded random ones unless given.
        calibration: inputs ``(n, h, w, c)`` for int8; seeded random ones unless given.
        seed: of all that is random.
        pixels: an input of raw pixels, uint8, that the file normalises, instead of float32;
            calibration images are pixels then.

    Raises:
        UsageError: the batch is no whole number of at least 1.

    >>> LoweringOptions(precision="int8", batch=4).batch
    4
    """

    precision: str = "fp32"
    batch: int = 1
    weights: str | Path | None = None
    calibration: NDArray[np.float32] | NDArray[np.uint8] | None = None
    seed: int = 0
    pixels: PixelInput | None = None

    def __post_init__(self) -> None:
        if type(self.batch) is not int or self.batch < 1:
            raise UsageError(f"batch is {brief(self.batch)}, expected a whole number of at least 1")

    def file_options(self) -> FileOptions:
        """What of it is about the file alone, with a generator of its own."""
        return FileOptions(
            precision=self.precision,
            batch=self.batch,
            calibration=self.calibration,
            rng=np.random.default_rng(self.seed),
            pixels=self.pixels,
        )


def file_name(name: str, format: str, options: LoweringOptions) -> str:
    """``name[-precision][-bBATCH][-pixels].suffix``.

    >>> file_name("net", "onnx", LoweringOptions(precision="int8"))
    'net-int8.onnx'
    """
    precision = "" if options.precision == "fp32" else f"-{options.precision}"
    batch = "" if options.batch == 1 else f"-b{options.batch}"
    pixels = "" if options.pixels is None else "-pixels"
    return f"{name}{precision}{batch}{pixels}{formats.get(format).suffix}"


def lower_arch(arch: NamedArch, format: str, options: LoweringOptions, folder: Path) -> Lowered:
    """Write one architecture as a model file into ``folder``.

    Args:
        format: a name in :data:`profiler.lowering.formats`.

    Raises:
        UsageError: unknown format or precision, or weights or inputs that do not fit.
        NasprofError: the file cannot be written.
    """
    network = arch.network
    target = folder / file_name(arch.name, format, options)
    if options.weights is None:
        return lower_random(network, target, format, options)
    weights = load_weights(Path(options.weights), network, arch.arch)
    return lower(network, weights, target, format, options.file_options())


def lower_random(network: Network, path: Path, format: str, options: LoweringOptions) -> Lowered:
    """Write a network with random weights, whose accuracy no calibration could harm."""
    weights = random_weights(network, np.random.default_rng(options.seed))
    file_options = options.file_options()
    if options.calibration is None and options.precision == "int8":
        samples = random_inputs(network, file_options.rng, options.pixels)
        file_options = replace(file_options, calibration=samples)
    return lower(network, weights, path, format, file_options)


def read_calibration(path: Path) -> NDArray[np.float32] | NDArray[np.uint8]:
    """Inputs ``(n, h, w, c)`` from a ``.npy`` file: pixels if they are uint8, else float32.

    Raises:
        UsageError: the file holds no such array.
    """
    array = read_npy(path)
    if array.ndim != 4 or not array.size:
        raise UsageError(
            f"{path} holds an array of shape {array.shape}, "
            "expected (n, height, width, channels), all above 0"
        )
    if array.dtype == np.uint8:
        return array
    numbers = array.astype(np.float32, copy=False)
    require_finite({"the array": numbers}, path)
    return numbers
