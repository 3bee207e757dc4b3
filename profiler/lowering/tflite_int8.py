"""INT8 TFLite files: integers from end to end, made by Google's ai-edge-quantizer.

Weights are symmetric and per channel, activations asymmetric. Inputs and outputs stay float32.

The quantizer merges the ranges of several batches by a moving average (0.95 of what it had), so
that the range of a file depends on the order of the images and leaves out those that came early.
Here each batch is calibrated by itself and the extremes of all are taken. Batches are as large as
memory allows, in a file of that batch size: tensors have the same names in both.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr
from functools import reduce
from io import StringIO
from typing import Any, TypeAlias

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from nasprof.errors import UsageError
from profiler.lowering.calibration import batches_of
from profiler.lowering.fold import AnyInput, Array
from profiler.lowering.pixels import STAGES
from profiler.lowering.tflite_model import repack

Ranges: TypeAlias = Mapping[str, Mapping[str, Array]]
"""By tensor: ``min`` and ``max``, as the quantizer has them."""

_MOST_AT_ONCE = 100
_MOST_BYTES = 256 << 20
"""Of all activations together, which calibration keeps."""


def quantize(model: bytes, samples: Sequence[AnyInput], at_batch: Callable[[int], bytes]) -> bytes:
    """The ``fp32`` file ``model`` at int8, its ranges the extremes seen on all samples.

    Args:
        samples: inputs ``(n, h, w, c)``, one array an input.
        at_batch: the same file for so many samples a run.

    Raises:
        UsageError: ai-edge-quantizer is not installed.
    """
    batch = min(len(samples[0]), _MOST_AT_ONCE, max(1, _MOST_BYTES // _sample_bytes(model)))
    wide = at_batch(batch)
    with warnings.catch_warnings(), redirect_stderr(StringIO()):
        warnings.simplefilter("ignore")
        ranges = reduce(_union, (_ranges(wide, inputs) for inputs in batches_of(samples, batch)))
        result = _quantizer(model).quantize(
            ranges, enable_progress_bar=False, enable_progress_report=False
        )
    return repack(bytes(result.quantized_model))


def _quantizer(model: bytes) -> Any:
    try:
        from ai_edge_quantizer import quantizer
    except ImportError as error:
        raise UsageError(
            "TFLite at int8 needs ai-edge-quantizer, which is not installed",
            "Run: pip install 'nasprof[int8]'",
        ) from error
    return quantizer.Quantizer(bytearray(model), _recipe())


def _ranges(model: bytes, inputs: Sequence[AnyInput]) -> Ranges:
    """The range of each activation on one batch."""
    names = ["input"] if len(inputs) == 1 else [f"input{i}" for i in range(len(inputs))]
    data = {"serving_default": [dict(zip(names, inputs, strict=True))]}
    ranges: Ranges = _quantizer(model).calibrate(data, num_threads=1)
    return ranges


def _union(ranges: Ranges, others: Ranges) -> Ranges:
    return {
        name: {
            "min": np.minimum(known["min"], others[name]["min"]),
            "max": np.maximum(known["max"], others[name]["max"]),
        }
        for name, known in ranges.items()
    }


def _sample_bytes(model: bytes) -> int:
    """Of all activations of one sample, at least 1."""
    read = schema.ModelT.InitFromPackedBuf(model)
    graph = read.subgraphs[0]
    batch = graph.tensors[graph.inputs[0]].shape[0]
    computed = [tensor for tensor in graph.tensors if read.buffers[tensor.buffer].data is None]
    return max(1, sum(4 * math.prod(map(int, tensor.shape)) for tensor in computed) // int(batch))


def _recipe() -> Any:
    from ai_edge_quantizer import qtyping, recipe_manager
    from ai_edge_quantizer.algorithm_manager import AlgorithmName

    recipe = recipe_manager.RecipeManager()
    names = qtyping.TFLOperationName
    recipe.add_static_config(".*", names.ALL_SUPPORTED, activation_num_bits=8, weight_num_bits=8)
    for boundary in (names.INPUT, names.OUTPUT):
        recipe.add_quantization_config(".*", boundary, None, AlgorithmName.NO_QUANTIZE)
    stages = "|".join(map(re.escape, STAGES))
    recipe.add_quantization_config(
        f"^({stages});", names.ALL_SUPPORTED, None, AlgorithmName.NO_QUANTIZE
    )
    return recipe.get_quantization_recipe()
