"""Direct writer of ONNX files: inputs ``input`` (n, c, h, w), output ``output``.

Batch norm is folded, hard-swish and hard-sigmoid are the fused operators (decomposed, they make
ONNX Runtime markedly slower). At fp16 the graph computes in float16 between two casts, so that
inputs and outputs stay float32.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper

from devices.runner.telemetry import silent_onnxruntime
from profiler.lowering.base import Format
from profiler.lowering.calibration import batches_of
from profiler.lowering.fold import AnyInput, Array, checked_fold, flat_values, merge_equal
from profiler.lowering.options import FileOptions
from profiler.lowering.pixels import FLOAT, NORMALISED, SCALED
from spaces.fold import Affine, Weights
from spaces.graph import Network, Program
from spaces.ops import (
    Activate,
    Activation,
    Add,
    AvgPool,
    Conv,
    Gate,
    GlobalPool,
    Linear,
    Norm,
    Op,
    Shape,
    Zero,
)

OPSET = 17
IR_VERSION = 8
"""Read by every ONNX Runtime since 1.12; HardSwish needs opset 14."""

_ACTIVATIONS: dict[Activation, tuple[str, dict[str, float]]] = {
    Activation.RELU: ("Relu", {}),
    Activation.H_SWISH: ("HardSwish", {}),
    Activation.H_SIGMOID: ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}),
}


class OnnxFormat(Format):
    """ONNX, for ONNX Runtime."""

    suffix = ".onnx"
    runtime = "onnxruntime"
    precisions = ("fp32", "fp16", "int8")

    def encode(self, network: Network, weights: Weights, options: FileOptions) -> bytes:
        program = merge_equal(network.program())
        writer = _Writer(program, checked_fold(program, weights), options)
        return bytes(writer.model(network.name).SerializeToString())

    def quantize(
        self, model: bytes, samples: Sequence[AnyInput], at_batch: Callable[[int], bytes]
    ) -> bytes:
        from profiler.lowering.onnx_int8 import quantize

        return quantize(model, lambda batch: map(_named, batches_of(samples, batch)))

    def run(self, path: Path, batches: Sequence[Sequence[AnyInput]]) -> list[Array]:
        onnxruntime = silent_onnxruntime()
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
        return [_channels_last(session.run(None, _named(batch))[0]) for batch in batches]


def _named(batch: Sequence[AnyInput]) -> dict[str, AnyInput]:
    names = ["input"] if len(batch) == 1 else [f"input{i}" for i in range(len(batch))]
    arrays = [np.ascontiguousarray(array.transpose(0, 3, 1, 2)) for array in batch]
    return dict(zip(names, arrays, strict=True))


def _channels_last(array: Array) -> Array:
    return array.transpose(0, 2, 3, 1) if array.ndim == 4 else array


class _Writer:
    """Collects nodes and initializers of one graph."""

    def __init__(self, program: Program, arrays: dict[str, Affine], options: FileOptions) -> None:
        self.program = program
        self.arrays = arrays
        self.batch = options.batch
        self.pixels = options.pixels
        self.type = np.float16 if options.precision == "fp16" else np.float32
        self.message = ModelProto(ir_version=IR_VERSION, producer_name="nasprof")
        self.graph = self.message.graph
        self.flat = flat_values(program)

    def model(self, name: str) -> Any:
        """The whole model as a protobuf message."""
        cast = self.type is not np.float32
        names = {name: self._normalised(name, shape) for name, shape in self.program.inputs.items()}
        for value, source in names.items() if cast else ():
            names[value] = self.node("Cast", [source], f"{value}_half", to=TensorProto.FLOAT16)
        names[self.program.output] = "output_half" if cast else "output"
        for op in self.program.ops:
            self.emit(op, [names.get(value, value) for value in op.inputs], names)
        if cast:
            self.node("Cast", ["output_half"], "output", to=TensorProto.FLOAT)
        self.graph.name = name or "network"
        self.graph.input.extend(self._inputs())
        self.graph.output.append(self._output())
        self.message.opset_import.append(helper.make_opsetid("", OPSET))
        return self.message

    def _normalised(self, name: str, shape: Shape) -> str:
        """An input as the network sees it."""
        if self.pixels is None:
            return name
        scale, shift = (factor[:, None, None] for factor in self.pixels.factors(shape[2]))
        self.node("Cast", [name], FLOAT, to=TensorProto.FLOAT)
        self.node("Mul", [FLOAT, self._store("input.scale", scale)], SCALED)
        shifted = [SCALED, self._store("input.shift", shift)]
        return self.node("Add", shifted, NORMALISED)

    def _inputs(self) -> list[Any]:
        kind = TensorProto.FLOAT if self.pixels is None else TensorProto.UINT8
        return [
            helper.make_tensor_value_info(name, kind, self._dims(shape))
            for name, shape in self.program.inputs.items()
        ]

    def _output(self) -> Any:
        name = self.program.output
        dims = self._dims(self.program.shapes[name])
        dims = dims[:2] if name in self.flat else dims
        return helper.make_tensor_value_info("output", TensorProto.FLOAT, dims)

    def _dims(self, shape: Shape) -> list[int]:
        height, width, channels = shape
        return [self.batch, channels, height, width]

    def emit(self, op: Op, inputs: list[str], names: dict[str, str]) -> None:
        """Write one operation and, if it has one, its activation as a node of its own."""
        output = names.get(op.name, op.name)
        activation = getattr(op, "activation", Activation.NONE)
        if op.name not in self.flat:
            inputs = [
                self._spatial(name, value) for name, value in zip(op.inputs, inputs, strict=True)
            ]
        if not isinstance(op, Activate):
            target = output if activation == Activation.NONE else f"{op.name}.linear"
            _EMITTERS[type(op)](self, op, inputs, target)
            inputs = [target]
        if activation != Activation.NONE:
            kind, attributes = _ACTIVATIONS[activation]
            self.node(kind, inputs, output, **attributes)
        elif isinstance(op, Activate):
            self.node("Identity", inputs, output)

    def _spatial(self, name: str, value: str) -> str:
        """The value as (n, c, 1, 1), if a linear layer left it as (n, c)."""
        if name not in self.flat:
            return value
        target = f"{value}.spatial{len(self.graph.node)}"
        axes = self.constant(f"{target}.axes", np.array([2, 3], np.int64))
        return self.node("Unsqueeze", [value, axes], target)

    def node(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """Append a node that writes ``output``."""
        node = self.graph.node.add(op_type=kind, name=output, input=inputs, output=[output])
        for name, value in attributes.items():
            node.attribute.append(helper.make_attribute(name, value))
        return output

    def constant(self, name: str, array: NDArray[np.generic]) -> str:
        """Add an array to the file; floating-point ones in the graph's precision."""
        if array.dtype == np.float32:
            array = array.astype(self.type, copy=False)
        return self._store(name, array)

    def _store(self, name: str, array: NDArray[np.generic]) -> str:
        # Built in place: appending a finished message would copy the weights once more.
        self.graph.initializer.add(
            name=name,
            dims=array.shape,
            data_type=helper.np_dtype_to_tensor_dtype(array.dtype),
            raw_data=array.tobytes(),
        )
        return name


def _conv(writer: _Writer, op: Conv, inputs: list[str], output: str) -> None:
    affine = writer.arrays[op.name]
    pad = op.kernel // 2
    writer.node(
        "Conv",
        [
            *inputs,
            writer.constant(f"{op.name}.weight", affine.weight),
            writer.constant(f"{op.name}.bias", affine.bias),
        ],
        output,
        kernel_shape=[op.kernel] * 2,
        strides=[op.stride] * 2,
        pads=[pad] * 4,
        group=op.groups,
    )


def _linear(writer: _Writer, op: Linear, inputs: list[str], output: str) -> None:
    affine = writer.arrays[op.name]
    if op.inputs[0] not in writer.flat:
        inputs = [writer.node("Flatten", inputs, f"{op.name}.flatten", axis=1)]
    weight = writer.constant(f"{op.name}.weight", affine.weight)
    bias = writer.constant(f"{op.name}.bias", affine.bias)
    writer.node("Gemm", [*inputs, weight, bias], output, transB=1)


def _norm(writer: _Writer, op: Norm, inputs: list[str], output: str) -> None:
    affine = writer.arrays[op.name]
    scale = writer.constant(f"{op.name}.weight", affine.weight[:, None, None])
    shift = writer.constant(f"{op.name}.bias", affine.bias[:, None, None])
    writer.node("Mul", [*inputs, scale], f"{op.name}.scaled")
    writer.node("Add", [f"{op.name}.scaled", shift], output)


def _pool(writer: _Writer, op: AvgPool, inputs: list[str], output: str) -> None:
    writer.node(
        "AveragePool",
        inputs,
        output,
        kernel_shape=[op.kernel] * 2,
        strides=[op.stride] * 2,
        pads=[(op.kernel - 1) // 2] * 4,
        count_include_pad=0,
    )


def _zero(writer: _Writer, op: Zero, inputs: list[str], output: str) -> None:
    zero = writer.constant(f"{op.name}.zero", np.zeros((), np.float32))
    writer.node("Mul", [*inputs, zero], output)


_EMITTERS: dict[type[Op], Callable[[_Writer, Any, list[str], str], object]] = {
    Conv: _conv,
    Linear: _linear,
    Norm: _norm,
    Add: lambda writer, op, inputs, output: writer.node("Add", inputs, output),
    Gate: lambda writer, op, inputs, output: writer.node("Mul", inputs, output),
    AvgPool: _pool,
    GlobalPool: lambda writer, op, inputs, output: writer.node("GlobalAveragePool", inputs, output),
    Zero: _zero,
}
