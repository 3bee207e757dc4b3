"""INT8 TFLite files: integers from end to end, made by Google's ai-edge-quantizer.

Weights are symmetric and per channel, activations asymmetric. Inputs and outputs stay float32.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import redirect_stderr
from io import StringIO
from typing import Any

from nasprof.errors import UsageError
from profiler.lowering.fold import Array
from profiler.lowering.tflite_model import repack


def quantize(model: bytes, batches: Sequence[Sequence[Array]]) -> bytes:
    """The ``fp32`` file ``model`` at int8, its ranges the extremes seen on ``batches``.

    Raises:
        UsageError: ai-edge-quantizer is not installed.
    """
    try:
        from ai_edge_quantizer import quantizer
    except ImportError as error:
        raise UsageError(
            "TFLite at int8 needs ai-edge-quantizer, which is not installed",
            "Run: pip install 'nasprof[int8]'",
        ) from error
    names = ["input"] if len(batches[0]) == 1 else [f"input{i}" for i in range(len(batches[0]))]
    samples = [dict(zip(names, batch, strict=True)) for batch in batches]
    with warnings.catch_warnings(), redirect_stderr(StringIO()):
        warnings.simplefilter("ignore")
        worker = quantizer.Quantizer(bytearray(model), _recipe())
        ranges = worker.calibrate({"serving_default": samples}, num_threads=1)
        result = worker.quantize(ranges, enable_progress_bar=False, enable_progress_report=False)
    return repack(bytes(result.quantized_model))


def _recipe() -> Any:
    from ai_edge_quantizer import qtyping, recipe_manager
    from ai_edge_quantizer.algorithm_manager import AlgorithmName

    recipe = recipe_manager.RecipeManager()
    names = qtyping.TFLOperationName
    recipe.add_static_config(".*", names.ALL_SUPPORTED, activation_num_bits=8, weight_num_bits=8)
    for boundary in (names.INPUT, names.OUTPUT):
        recipe.add_quantization_config(".*", boundary, None, AlgorithmName.NO_QUANTIZE)
    return recipe.get_quantization_recipe()
