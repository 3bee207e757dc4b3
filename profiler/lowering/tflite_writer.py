"""The TFLite file under construction: values by name, constants in the file's precision."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from profiler.lowering.fold import flat_values
from profiler.lowering.options import FileOptions
from profiler.lowering.pixels import STAGES
from profiler.lowering.tflite_model import ModelBuilder
from spaces.fold import Affine
from spaces.graph import Program
from spaces.ops import Activate, Activation, Add, Conv, Gate, Norm, Op


class Writer:
    """Turns operations into TFLite operators on one :class:`ModelBuilder`."""

    def __init__(
        self, program: Program, arrays: Mapping[str, Affine], options: FileOptions
    ) -> None:
        self.program = program
        self.arrays = arrays
        self.batch = options.batch
        self.half = options.precision == "fp16"
        self.pixels = options.pixels
        self.file = ModelBuilder()
        self.values: dict[str, int] = {}
        self.flat = flat_values(program)
        self.sixfold = _sixfold_gates(program)
        self.fused = _fused_relus(program)

    def input(self, name: str) -> int:
        """The tensor of an input; what the network sees of it is the value of this name."""
        shape = self.program.inputs[name]
        dims = [self.batch, *shape]
        if self.pixels is None:
            self.values[name] = self.file.tensor(name, dims)
            return self.values[name]
        source = self.file.tensor(name, dims, np.uint8)
        floats, scaled, normalised = (self.file.tensor(stage, dims) for stage in STAGES)
        scale, shift = self.pixels.factors(shape[2])
        cast = schema.CastOptionsT()
        cast.inDataType, cast.outDataType = schema.TensorType.UINT8, schema.TensorType.FLOAT32
        factor = self.file.constant("input.scale", scale)
        term = self.file.constant("input.shift", shift)
        self.file.operator("CAST", [source], floats, cast)
        self.file.operator("MUL", [floats, factor], scaled, schema.MulOptionsT())
        self.file.operator("ADD", [scaled, term], normalised, schema.AddOptionsT())
        self.values[name] = normalised
        return source

    def activation(self, op: Op) -> Activation:
        """What follows ``op`` in the same operator: its own activation, or a ReLU after it."""
        own: Activation = getattr(op, "activation", Activation.NONE)
        return Activation.RELU if op.name in self.fused else own

    def result(self, op: Op, stage: str = "") -> int:
        """A tensor for the value of ``op``, or for a stage on the way to it."""
        last = self.program.output in (op.name, self.fused.get(op.name))
        name = "output" if last else op.name
        shape = self.program.shapes[op.name]
        dims = [self.batch, shape[2]] if op.name in self.flat else [self.batch, *shape]
        return self.file.tensor(name + stage, dims)

    def weight(self, name: str, array: NDArray[np.generic]) -> int:
        """A constant in the file's precision."""
        if not self.half:
            return self.file.constant(name, array)
        stored = self.file.constant(f"{name}.half", array.astype(np.float16))
        return self.file.operator("DEQUANTIZE", [stored], self.file.tensor(name, array.shape))

    def spatial(self, name: str) -> int:
        """The value as (n, h, w, c), also if a linear layer left it as (n, c)."""
        value = self.values[name]
        if name not in self.flat:
            return value
        shape = [self.batch, *self.program.shapes[name]]
        dims = self.file.constant(f"{name}.dims", np.array(shape, np.int32))
        options = schema.ReshapeOptionsT(newShape=shape)
        target = self.file.tensor(f"{name}.spatial", shape)
        return self.file.operator("RESHAPE", [value, dims], target, options)

    def scaled(self, op: Op, value: int, factor: NDArray[np.generic] | float, target: int) -> int:
        """``value * factor``."""
        factors = np.array(factor, np.float32, ndmin=1)
        constant = self.file.constant(f"{op.name}.factor", factors)
        return self.file.operator("MUL", [value, constant], target, schema.MulOptionsT())


def _only_readers(program: Program) -> dict[str, Op]:
    """The operation that reads each value that exactly one operation reads, once."""
    readers: dict[str, list[Op]] = {}
    for op in program.ops:
        for name in op.inputs:
            readers.setdefault(name, []).append(op)
    return {name: ops[0] for name, ops in readers.items() if len(ops) == 1}


def _sixfold_gates(program: Program) -> dict[str, str]:
    """Hard-sigmoids left six times too large: their name -> the convolution that makes up for it.

    A hard-sigmoid is ``relu6(x + 3) / 6``. The division is free where the gated value goes into
    nothing but a convolution, whose weights take it over.
    """
    readers = _only_readers(program)
    deferred = {}
    for op in program.ops:
        gate = readers.get(op.name)
        if isinstance(gate, Gate) and getattr(op, "activation", None) == Activation.H_SIGMOID:
            conv = readers.get(gate.name)
            if gate.inputs[1] == op.name and isinstance(conv, Conv):
                deferred[op.name] = conv.name
    return deferred


def _fused_relus(program: Program) -> dict[str, str]:
    """Operations whose only reader is a ReLU, which costs nothing within them: name -> ReLU."""
    readers = _only_readers(program)
    return {
        op.name: relu.name
        for op in program.ops
        if isinstance(op, Conv | Norm | Add)
        and getattr(op, "activation", Activation.NONE) == Activation.NONE
        and isinstance(relu := readers.get(op.name), Activate)
        and relu.activation == Activation.RELU
    }
