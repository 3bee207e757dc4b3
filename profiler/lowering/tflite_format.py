"""Direct writer of TFLite files: inputs ``input`` (n, h, w, c), output ``output``.

Everything stays in NHWC, so no transposition is ever needed. Batch norm is folded and ReLU fused
into the operator before it. At fp16 weights are stored in float16 and converted when loaded;
delegates that compute in float16 may use them as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from profiler.lowering.base import Format
from profiler.lowering.fold import AnyInput, Array, checked_fold, merge_equal
from profiler.lowering.options import FileOptions
from profiler.lowering.tflite_ops import EMITTERS
from profiler.lowering.tflite_writer import Writer
from spaces.fold import Weights
from spaces.graph import Network


class TFLiteFormat(Format):
    """TFLite, for LiteRT and Android's benchmark_model."""

    suffix = ".tflite"
    runtime = "litert"
    precisions = ("fp32", "fp16", "int8")

    def encode(self, network: Network, weights: Weights, options: FileOptions) -> bytes:
        program = merge_equal(network.program())
        writer = Writer(program, checked_fold(program, weights), options)
        inputs = [writer.input(value) for value in program.inputs]
        for op in program.ops:
            writer.values[op.name] = EMITTERS[type(op)](writer, op)
        return writer.file.pack(network.name or "network", inputs, writer.values[program.output])

    def quantize(
        self, model: bytes, samples: Sequence[AnyInput], at_batch: Callable[[int], bytes]
    ) -> bytes:
        from profiler.lowering.tflite_int8 import quantize

        return quantize(model, samples, at_batch)

    def run(self, path: Path, batches: Sequence[Sequence[AnyInput]]) -> list[Array]:
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(model_path=str(path), num_threads=1)
        interpreter.allocate_tensors()
        return [_invoke(interpreter, batch) for batch in batches]


def _invoke(interpreter: Any, batch: Sequence[AnyInput]) -> Array:
    for detail, array in zip(interpreter.get_input_details(), batch, strict=True):
        interpreter.set_tensor(detail["index"], array)
    interpreter.invoke()
    output: Array = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    return output
