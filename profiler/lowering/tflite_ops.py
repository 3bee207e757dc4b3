"""How each operation is expressed in TFLite's operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from profiler.lowering.fold import Array
from profiler.lowering.tflite_writer import Writer
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

Emitter: TypeAlias = Callable[[Writer, Any], int]

_Fused = schema.ActivationFunctionType
_Padding = schema.Padding


def _affine(writer: Writer, op: Op) -> tuple[Array, Array, int]:
    """Weight, bias and fused activation of ``op``, hard-sigmoid's ``+ 3`` and relu6 included."""
    affine, activation = writer.arrays[op.name], writer.activation(op)
    weight = affine.weight
    if op.name in writer.sixfold.values():
        weight = weight * np.float32(1 / 6)
    if activation == Activation.H_SIGMOID:
        return weight, affine.bias + np.float32(3), _Fused.RELU6
    return weight, affine.bias, _fused(activation)


def _fused(activation: Activation) -> int:
    fused: int = _Fused.RELU if activation == Activation.RELU else _Fused.NONE
    return fused


def _finish(writer: Writer, op: Op, activation: Activation, emit: Callable[[int], int]) -> int:
    """Emit ``op`` and what remains of its activation that could not be fused."""
    if activation == Activation.H_SWISH:
        linear = emit(writer.result(op, stage=".linear"))
        return writer.file.operator("HARD_SWISH", [linear], writer.result(op))
    if activation == Activation.H_SIGMOID and op.name not in writer.sixfold:
        sixfold = emit(writer.result(op, stage=".sixfold"))
        return writer.scaled(op, sixfold, 1 / 6, writer.result(op))
    return emit(writer.result(op))


def _conv(writer: Writer, op: Conv) -> int:
    weight, bias, fused = _affine(writer, op)
    depthwise = op.groups == op.in_channels and op.groups > 1
    source, padding = _padded(writer, op)
    common = {
        "padding": padding,
        "strideH": op.stride,
        "strideW": op.stride,
        "fusedActivationFunction": fused,
    }
    if depthwise:
        weight = weight.transpose(1, 2, 3, 0)
        multiplier = op.out_channels // op.in_channels
        options = schema.DepthwiseConv2DOptionsT(depthMultiplier=multiplier, **common)
    else:
        weight = weight.transpose(0, 2, 3, 1)
        options = schema.Conv2DOptionsT(**common)
    inputs = [
        source,
        writer.weight(f"{op.name}.weight", weight),
        writer.weight(f"{op.name}.bias", bias),
    ]
    kind = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
    return _finish(
        writer, op, op.activation, lambda out: writer.file.operator(kind, inputs, out, options)
    )


def _padded(writer: Writer, op: Conv | AvgPool) -> tuple[int, int]:
    """The value that ``op`` reads and its padding option, with a PAD of its own where needed.

    TFLite's SAME pads the bottom and right more than the top and left where the total is odd.
    """
    source = writer.spatial(op.inputs[0])
    pad = op.kernel // 2 if isinstance(op, Conv) else (op.kernel - 1) // 2
    if not pad:
        return source, _Padding.VALID
    height, width, channels = writer.program.shapes[op.inputs[0]]
    if all(_same_padding(size, op.kernel, op.stride) == (pad, pad) for size in (height, width)):
        return source, _Padding.SAME
    pads = np.array([[0, 0], [pad, pad], [pad, pad], [0, 0]], np.int32)
    shape = [writer.batch, height + 2 * pad, width + 2 * pad, channels]
    padded = writer.file.tensor(f"{op.name}.padded", shape)
    inputs = [source, writer.file.constant(f"{op.name}.pads", pads)]
    return writer.file.operator("PAD", inputs, padded, schema.PadOptionsT()), _Padding.VALID


def _same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def _linear(writer: Writer, op: Linear) -> int:
    weight, bias, _ = _affine(writer, op)
    height, width, channels = writer.program.shapes[op.inputs[0]]
    if height * width > 1:
        shape = (op.out_features, channels, height, width)
        weight = weight.reshape(shape).transpose(0, 2, 3, 1).reshape(op.out_features, -1)
    inputs = [
        writer.values[op.inputs[0]],
        writer.weight(f"{op.name}.weight", weight),
        writer.weight(f"{op.name}.bias", bias),
    ]
    options = schema.FullyConnectedOptionsT()
    return writer.file.operator("FULLY_CONNECTED", inputs, writer.result(op), options)


def _norm(writer: Writer, op: Norm) -> int:
    weight, bias, fused = _affine(writer, op)
    scale = writer.file.constant(f"{op.name}.weight", weight)
    shift = writer.file.constant(f"{op.name}.bias", bias)
    scaled = writer.result(op, stage=".scaled")
    source = writer.spatial(op.inputs[0])
    writer.file.operator("MUL", [source, scale], scaled, schema.MulOptionsT())
    options = schema.AddOptionsT(fusedActivationFunction=fused)
    return _finish(
        writer,
        op,
        op.activation,
        lambda out: writer.file.operator("ADD", [scaled, shift], out, options),
    )


def _activate(writer: Writer, op: Activate) -> int:
    value = writer.values[op.inputs[0]]
    if op.inputs[0] in writer.fused:
        return value
    if op.activation == Activation.NONE:
        return writer.scaled(op, value, 1, writer.result(op))
    if op.activation != Activation.H_SIGMOID:
        kind = "RELU" if op.activation == Activation.RELU else "HARD_SWISH"
        return writer.file.operator(kind, [value], writer.result(op))
    shift = writer.file.constant(f"{op.name}.shift", np.array([3], np.float32))
    options = schema.AddOptionsT(fusedActivationFunction=_Fused.RELU6)
    return _finish(
        writer,
        op,
        op.activation,
        lambda out: writer.file.operator("ADD", [value, shift], out, options),
    )


def _add(writer: Writer, op: Add) -> int:
    flat = op.name in writer.flat
    values = [writer.values[name] if flat else writer.spatial(name) for name in op.inputs]
    options = schema.AddOptionsT(fusedActivationFunction=_fused(writer.activation(op)))
    return writer.file.operator("ADD", values, writer.result(op), options)


def _gate(writer: Writer, op: Gate) -> int:
    values = [writer.spatial(name) for name in op.inputs]
    return writer.file.operator("MUL", values, writer.result(op), schema.MulOptionsT())


def _average_pool(writer: Writer, op: AvgPool) -> int:
    source, padding = _padded(writer, op)
    options = schema.Pool2DOptionsT(
        padding=padding,
        strideH=op.stride,
        strideW=op.stride,
        filterHeight=op.kernel,
        filterWidth=op.kernel,
    )
    if source == writer.values[op.inputs[0]]:
        return writer.file.operator("AVERAGE_POOL_2D", [source], writer.result(op), options)
    pooled = writer.result(op, stage=".with_padding")
    writer.file.operator("AVERAGE_POOL_2D", [source], pooled, options)
    correction = _uncount_padding(op, writer.program.shapes[op.inputs[0]])
    return writer.scaled(op, pooled, correction, writer.result(op))


def _uncount_padding(op: AvgPool, shape: Shape) -> Array:
    """What turns averages that count padding into those that do not: ``(h, w, 1)``."""
    pad = (op.kernel - 1) // 2

    def covered(size: int) -> Array:
        starts = np.arange(0, size + 2 * pad - op.kernel + 1, op.stride) - pad
        return np.minimum(starts + op.kernel, size) - np.maximum(starts, 0)

    counts = covered(shape[0])[:, None, None] * covered(shape[1])[:, None]
    return (op.kernel**2 / counts).astype(np.float32)


def _global_pool(writer: Writer, op: GlobalPool) -> int:
    axes = writer.file.constant("spatial_axes", np.array([1, 2], np.int32))
    inputs = [writer.spatial(op.inputs[0]), axes]
    return writer.file.operator(
        "MEAN", inputs, writer.result(op), schema.ReducerOptionsT(keepDims=True)
    )


def _zero(writer: Writer, op: Zero) -> int:
    value = writer.values[op.inputs[0]]
    return writer.scaled(op, value, 0, writer.result(op))


EMITTERS: dict[type[Op], Emitter] = {
    Conv: _conv,
    Linear: _linear,
    Norm: _norm,
    Activate: _activate,
    Add: _add,
    Gate: _gate,
    AvgPool: _average_pool,
    GlobalPool: _global_pool,
    Zero: _zero,
}
