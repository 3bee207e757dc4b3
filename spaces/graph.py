"""What a network is made of: blocks of primitive operations, wired together.

One description serves every purpose: MACs and parameters are counted on it, and the lowerings of
``profiler.lowering`` turn it into a torch module, an ONNX graph or a TFLite flatbuffer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

from spaces.ops import Op, Shape


@dataclass(frozen=True)
class Block:
    """A unit with a latency of its own: what a lookup table prices.

    Args:
        key: readable identity; blocks with equal keys are interchangeable but for their weights.
        inputs: shapes of the values read; the operations call them ``in0``, ``in1``, ...
        ops: operations in order; the last one writes the block's output.
    """

    key: str
    inputs: tuple[Shape, ...]
    ops: tuple[Op, ...]

    @cached_property
    def shapes(self) -> dict[str, Shape]:
        """Shape of every value, inputs included."""
        shapes = {f"in{i}": shape for i, shape in enumerate(self.inputs)}
        for op in self.ops:
            shapes[op.name] = op.output_shape(*(shapes[name] for name in op.inputs))
        return shapes

    @property
    def output(self) -> Shape:
        """Shape of the block's output."""
        return self.shapes[self.ops[-1].name]

    @cached_property
    def macs(self) -> int:
        """Multiply-accumulates at batch 1."""
        return sum(op.macs(*(self.shapes[name] for name in op.inputs)) for op in self.ops)

    @cached_property
    def params(self) -> int:
        """Number of trainable parameters."""
        return sum(prod(shape) for op in self.ops for shape in op.parameters().values())


@dataclass(frozen=True)
class Layer:
    """A block at its place in a network.

    Args:
        name: unique name; also that of the value written.
        prefix: path in front of the block's parameters ("blocks.3.conv."), may be empty.
        block: what it computes.
        inputs: layers read, or ``"input"``.
    """

    name: str
    prefix: str
    block: Block
    inputs: tuple[str, ...]


@dataclass(frozen=True)
class Program:
    """A network flattened to operations with unique value names, dead ones removed.

    ``inputs`` and ``shapes`` map value names to shapes; the last operation writes the output.
    """

    inputs: dict[str, Shape]
    ops: tuple[Op, ...]
    shapes: dict[str, Shape]

    @property
    def output(self) -> str:
        """Name of the output value."""
        return self.ops[-1].name


@dataclass(frozen=True)
class Network:
    """Blocks wired into a network with inputs ``input`` (one) or ``input0``, ``input1``, ..."""

    name: str
    inputs: tuple[Shape, ...]
    layers: tuple[Layer, ...]

    @classmethod
    def of(cls, block: Block) -> Network:
        """The network that consists of one block alone."""
        names = _input_names(len(block.inputs))
        return cls(block.key, block.inputs, (Layer("block", "", block, names),))

    @property
    def macs(self) -> int:
        """Multiply-accumulates at batch 1."""
        return sum(layer.block.macs for layer in self.layers)

    @property
    def params(self) -> int:
        """Number of trainable parameters."""
        return sum(layer.block.params for layer in self.layers)

    @property
    def output(self) -> Shape:
        """Shape of the output."""
        return self.layers[-1].block.output

    def arrays(self) -> dict[str, tuple[int, ...]]:
        """Every parameter and buffer: state-dict name -> shape."""
        return {
            layer.prefix + name: shape
            for layer in self.layers
            for op in layer.block.ops
            for name, shape in (op.parameters() | op.buffers()).items()
        }

    def program(self) -> Program:
        """The operations in order, without those whose result never reaches the output."""
        shapes = dict(zip(_input_names(len(self.inputs)), self.inputs, strict=True))
        inputs = dict(shapes)
        ops: list[Op] = []
        for layer in self.layers:
            values = {f"in{i}": name for i, name in enumerate(layer.inputs)}
            values |= {op.name: f"{layer.name}.{op.name}" for op in layer.block.ops}
            values[layer.block.ops[-1].name] = layer.name
            ops += [op.renamed(values, layer.prefix) for op in layer.block.ops]
            shapes |= {values[name]: shape for name, shape in layer.block.shapes.items()}
        return Program(inputs, _live(ops), shapes)


def _input_names(count: int) -> tuple[str, ...]:
    return ("input",) if count == 1 else tuple(f"input{i}" for i in range(count))


def _live(ops: Sequence[Op]) -> tuple[Op, ...]:
    needed = {ops[-1].name}
    kept: list[Op] = []
    for op in reversed(ops):
        if op.name in needed:
            needed.update(op.inputs)
            kept.append(op)
    return tuple(reversed(kept))
