"""Architectures as model files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nasprof.arrays import read_npy, require_finite
from nasprof.errors import UsageError
from nasprof.normalisation import Normalisation
from nasprof.reader import brief
from profiler.lowering import (
    FileOptions,
    Lowered,
    formats,
    load_weights,
    lower,
    random_inputs,
)
from profiler.model_files.architectures import NamedArch
from spaces.graph import Network
from spaces.weights import random_weights

if TYPE_CHECKING:
    from supernets import SupernetWeights


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
        supernet: takes the weights from a supernet instead, and from its images, where it has
            some, the batch norm's statistics and what int8 is calibrated on.

    Raises:
        UsageError: the batch is no whole number of at least 1, or weights are of two sources.

    >>> LoweringOptions(precision="int8", batch=4).batch
    4
    """

    precision: str = "fp32"
    batch: int = 1
    weights: str | Path | None = None
    calibration: NDArray[np.float32] | NDArray[np.uint8] | None = None
    seed: int = 0
    pixels: Normalisation | None = None
    supernet: SupernetWeights | None = None

    def __post_init__(self) -> None:
        if type(self.batch) is not int or self.batch < 1:
            raise UsageError(f"batch is {brief(self.batch)}, expected a whole number of at least 1")
        if self.weights is not None and self.supernet is not None:
            raise UsageError(
                f"weights are to be taken from {self.weights} and from {self.supernet.path}",
                "Give one of them: a supernet's networks are recalibrated (--supernet), those of "
                "other checkpoints are as they are (--weights).",
            )

    @property
    def source(self) -> str:
        """Where weights are from."""
        known = self.weights if self.supernet is None else self.supernet.path
        return "random" if known is None else str(known)

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
    if options.supernet is not None:
        return _lower_of_supernet(arch, target, format, options, options.supernet)
    if options.weights is None:
        return lower_random(network, target, format, options)
    weights = load_weights(Path(options.weights), network, arch.arch)
    return lower(network, weights, target, format, options.file_options())


def _lower_of_supernet(
    arch: NamedArch, path: Path, format: str, options: LoweringOptions, supernet: SupernetWeights
) -> Lowered:
    """Write a network with its supernet's weights."""
    weights = supernet.arrays(arch.space, arch.genes)
    file_options = options.file_options()
    if options.calibration is None and options.precision != "fp32":
        images = supernet.pixels(arch.space)
        if images is not None:
            seen = supernet.normalisation.normalised
            calibration = images if options.pixels is not None else seen(images)
            file_options = replace(file_options, calibration=calibration)
    return lower(arch.network, weights, path, format, file_options)


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
