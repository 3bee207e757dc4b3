"""A space's networks executed by torch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor
from torch.nn import functional

from spaces.graph import Program
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
    Zero,
)

ACTIVATIONS: dict[Activation, Callable[[Tensor], Tensor]] = {
    Activation.NONE: lambda value: value,
    Activation.RELU: functional.relu,
    Activation.H_SWISH: functional.hardswish,
    Activation.H_SIGMOID: functional.hardsigmoid,
}


class Layers(ABC):
    """What a program's operations do with their parameters, wherever those are kept."""

    @abstractmethod
    def convolve(self, op: Conv, value: Tensor) -> Tensor:
        """The convolution alone, of a value ``(n, c, h, w)``."""

    @abstractmethod
    def linear(self, op: Linear, value: Tensor) -> Tensor:
        """The linear layer, of a value ``(n, features)``."""

    @abstractmethod
    def normalise(self, norm: str, value: Tensor) -> Tensor:
        """The batch norm whose parameters are called ``norm``, of a value ``(n, c, h, w)``."""


def execute(program: Program, layers: Layers, inputs: Sequence[Tensor]) -> Tensor:
    """The output of a program: ``(n, classes)``, or ``(n, c, h, w)`` of one that ends in an image.

    Values that no later operation reads are let go of.

    Args:
        program: operations in order.
        layers: convolutions, linear layers and batch norms.
        inputs: ``(n, c, h, w)`` each, in the order of the program's.
    """
    values: dict[str, Tensor] = dict(zip(program.inputs, inputs, strict=True))
    last_use = {name: number for number, op in enumerate(program.ops) for name in op.inputs}
    for number, op in enumerate(program.ops):
        values[op.name] = _run(op, layers, [values[name] for name in op.inputs])
        for name in set(op.inputs):
            if last_use[name] == number:
                del values[name]
    return values[program.output]


def _run(op: Op, layers: Layers, inputs: list[Tensor]) -> Tensor:
    if isinstance(op, Conv | Norm | Gate | AvgPool | GlobalPool):
        inputs = [_spatial(value) for value in inputs]
    value = _EXECUTORS[type(op)](layers, op, inputs)
    return ACTIVATIONS[getattr(op, "activation", Activation.NONE)](value)


def _spatial(value: Tensor) -> Tensor:
    return value if value.dim() == 4 else value[:, :, None, None]


def _conv(layers: Layers, op: Conv, inputs: list[Tensor]) -> Tensor:
    value = layers.convolve(op, inputs[0])
    return layers.normalise(op.norm, value) if op.norm else value


def _pool(layers: Layers, op: AvgPool, inputs: list[Tensor]) -> Tensor:
    pad = (op.kernel - 1) // 2
    return functional.avg_pool2d(inputs[0], op.kernel, op.stride, pad, count_include_pad=False)


def _add(layers: Layers, op: Add, inputs: list[Tensor]) -> Tensor:
    if inputs[0].dim() != inputs[1].dim():
        inputs = [_spatial(value) for value in inputs]
    return inputs[0] + inputs[1]


_EXECUTORS: Mapping[type[Op], Callable[[Layers, Any, list[Tensor]], Tensor]] = {
    Conv: _conv,
    Linear: lambda layers, op, inputs: layers.linear(op, inputs[0].flatten(1)),
    Norm: lambda layers, op, inputs: layers.normalise(op.norm, inputs[0]),
    Activate: lambda layers, op, inputs: inputs[0],
    Add: _add,
    Gate: lambda layers, op, inputs: inputs[0] * inputs[1],
    AvgPool: _pool,
    GlobalPool: lambda layers, op, inputs: inputs[0].mean((2, 3), keepdim=True),
    Zero: lambda layers, op, inputs: inputs[0] * 0,
}
