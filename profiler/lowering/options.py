"""How a network is written as a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nasprof.errors import UsageError
from nasprof.normalisation import Normalisation
from profiler.lowering.fold import AnyInput


@dataclass(frozen=True)
class FileOptions:
    """How a network is written as a file; see :func:`profiler.lowering.lower`.

    Args:
        precision: "fp32", "fp16" or "int8", where the format has it.
        batch: samples a run, fixed in the file.
        calibration: inputs that set the ranges of int8 and on which drift is measured,
            ``(n, h, w, c)``; one such array an input if there are several. Random ones unless
            given, with which an int8 file may lose many points of accuracy. Not used at fp32.
        rng: source of random calibration inputs; seeded with 0 unless given.
        pixels: an input of raw pixels, uint8, that the file normalises; calibration images are
            pixels then, too. Normalised float32 unless given.

    Raises:
        UsageError: the batch is below 1.
    """

    precision: str = "fp32"
    batch: int = 1
    calibration: AnyInput | Sequence[AnyInput] | None = None
    rng: np.random.Generator | None = None
    pixels: Normalisation | None = None

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise UsageError(f"batch is {self.batch}, expected at least 1")


DEFAULTS = FileOptions()
