"""From one description of a network to files that runtimes execute.

:func:`lower` writes a network with its weights as an ONNX, TFLite or torch file. ONNX and TFLite
are written directly, without torch. :func:`load_weights` reads checkpoints. Torch modules come
from ``profiler.lowering.module`` (a network's) and go through ``profiler.lowering.user_module``
(any other), which need torch.
"""

from __future__ import annotations

from profiler.lowering.base import Format, Precision, find_format, formats
from profiler.lowering.calibration import random_inputs
from profiler.lowering.checkpoint import load_weights
from profiler.lowering.options import FileOptions
from profiler.lowering.writing import Lowered, lower
from spaces.fold import Weights

__all__ = [
    "FileOptions",
    "Format",
    "Lowered",
    "Precision",
    "Weights",
    "find_format",
    "formats",
    "load_weights",
    "lower",
    "random_inputs",
]
