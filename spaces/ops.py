"""The primitive operations that networks are made of.

Shapes are ``(height, width, channels)`` without the batch. Parameter arrays use torch's layouts:
convolutions ``(out, in / groups, k, k)``, linear layers ``(out, in)``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from math import prod
from typing import Self, TypeAlias

Shape: TypeAlias = tuple[int, int, int]

BATCH_NORM_EPS = 1e-5


def shape_key(shape: Shape) -> str:
    """A shape as it stands in the keys of blocks: ``56x56x24``."""
    return "x".join(map(str, shape))


class Activation(StrEnum):
    """Element-wise non-linearities."""

    NONE = "none"
    RELU = "relu"
    H_SWISH = "h_swish"
    H_SIGMOID = "h_sigmoid"


@dataclass(frozen=True, kw_only=True)
class Op:
    """One primitive operation: reads earlier values by name and writes the value ``name``."""

    name: str
    inputs: tuple[str, ...]

    def output_shape(self, *shapes: Shape) -> Shape:
        """Shape of the value written, given the shapes of the values read."""
        return shapes[0]

    def macs(self, *shapes: Shape) -> int:
        """Multiply-accumulates of one forward pass at batch 1 (convolutions and linear layers)."""
        return 0

    def parameters(self) -> dict[str, tuple[int, ...]]:
        """Trainable arrays: name -> shape."""
        return {}

    def buffers(self) -> dict[str, tuple[int, ...]]:
        """Arrays that are kept but not trained (running statistics): name -> shape."""
        return {}

    def renamed(self, values: Mapping[str, str], prefix: str) -> Self:
        """This operation with its values renamed and its parameters below ``prefix``."""
        return replace(
            self, name=values[self.name], inputs=tuple(values[name] for name in self.inputs)
        )


def _norm_arrays(norm: str, channels: int) -> dict[str, tuple[int, ...]]:
    return {f"{norm}.weight": (channels,), f"{norm}.bias": (channels,)}


def _norm_buffers(norm: str, channels: int) -> dict[str, tuple[int, ...]]:
    return {f"{norm}.running_mean": (channels,), f"{norm}.running_var": (channels,)}


@dataclass(frozen=True, kw_only=True)
class Conv(Op):
    """2-D convolution, padded by ``kernel // 2``, then batch norm (if named), then activation.

    ``param`` and ``norm`` are the paths of the parameters, as in a torch state dict.
    """

    param: str
    in_channels: int
    out_channels: int
    kernel: int = 1
    stride: int = 1
    groups: int = 1
    bias: bool = False
    norm: str | None = None
    activation: Activation = Activation.NONE

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        """(out, in / groups, k, k)."""
        return self.out_channels, self.in_channels // self.groups, self.kernel, self.kernel

    def output_shape(self, *shapes: Shape) -> Shape:
        height, width, channels = shapes[0]
        if channels != self.in_channels:
            raise ValueError(f"{self.name}: expected {self.in_channels} channels, got {channels}")
        return -(-height // self.stride), -(-width // self.stride), self.out_channels

    def macs(self, *shapes: Shape) -> int:
        height, width, _ = self.output_shape(*shapes)
        return height * width * prod(self.weight_shape)

    def parameters(self) -> dict[str, tuple[int, ...]]:
        arrays: dict[str, tuple[int, ...]] = {f"{self.param}.weight": self.weight_shape}
        if self.bias:
            arrays[f"{self.param}.bias"] = (self.out_channels,)
        return arrays | (_norm_arrays(self.norm, self.out_channels) if self.norm else {})

    def buffers(self) -> dict[str, tuple[int, ...]]:
        return _norm_buffers(self.norm, self.out_channels) if self.norm else {}

    def renamed(self, values: Mapping[str, str], prefix: str) -> Self:
        norm = None if self.norm is None else prefix + self.norm
        return replace(super().renamed(values, prefix), param=prefix + self.param, norm=norm)


@dataclass(frozen=True, kw_only=True)
class Linear(Op):
    """Fully connected layer with bias over the flattened value; writes shape (1, 1, out)."""

    param: str
    in_features: int
    out_features: int

    def output_shape(self, *shapes: Shape) -> Shape:
        if prod(shapes[0]) != self.in_features:
            raise ValueError(f"{self.name}: expected {self.in_features} features, got {shapes[0]}")
        return 1, 1, self.out_features

    def macs(self, *shapes: Shape) -> int:
        return self.in_features * self.out_features

    def parameters(self) -> dict[str, tuple[int, ...]]:
        return {
            f"{self.param}.weight": (self.out_features, self.in_features),
            f"{self.param}.bias": (self.out_features,),
        }

    def renamed(self, values: Mapping[str, str], prefix: str) -> Self:
        return replace(super().renamed(values, prefix), param=prefix + self.param)


@dataclass(frozen=True, kw_only=True)
class Norm(Op):
    """Batch norm on its own (where no convolution precedes it), then activation."""

    norm: str
    channels: int
    activation: Activation = Activation.NONE

    def parameters(self) -> dict[str, tuple[int, ...]]:
        return _norm_arrays(self.norm, self.channels)

    def buffers(self) -> dict[str, tuple[int, ...]]:
        return _norm_buffers(self.norm, self.channels)

    def renamed(self, values: Mapping[str, str], prefix: str) -> Self:
        return replace(super().renamed(values, prefix), norm=prefix + self.norm)


@dataclass(frozen=True, kw_only=True)
class Activate(Op):
    """Activation on its own."""

    activation: Activation


@dataclass(frozen=True, kw_only=True)
class Add(Op):
    """Sum of two values of one shape."""


@dataclass(frozen=True, kw_only=True)
class Gate(Op):
    """Product of a value (h, w, c) with a gate (1, 1, c)."""


@dataclass(frozen=True, kw_only=True)
class AvgPool(Op):
    """Average pooling, padded by ``(kernel - 1) // 2``; padding is not counted in the average."""

    kernel: int
    stride: int = 1

    def output_shape(self, *shapes: Shape) -> Shape:
        height, width, channels = shapes[0]
        pad = 2 * ((self.kernel - 1) // 2) - self.kernel
        return (
            (height + pad) // self.stride + 1,
            (width + pad) // self.stride + 1,
            channels,
        )


@dataclass(frozen=True, kw_only=True)
class GlobalPool(Op):
    """Average over height and width; writes shape (1, 1, c)."""

    def output_shape(self, *shapes: Shape) -> Shape:
        return 1, 1, shapes[0][2]


@dataclass(frozen=True, kw_only=True)
class Zero(Op):
    """Zeros of the shape of the value read."""
