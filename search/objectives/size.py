"""Bytes of a network's model file, as a sum over its blocks.

Batch norm is folded: an operation with weights stores these and a bias a channel. At int8, weights
take a byte, and a channel has an int32 bias and, of its weights and of its bias, a scale (fp32)
and a zero point (int64), as TFLite has them. What it takes to describe an operation was measured
on files of both formats.

Files of 19 networks of OFA-MobileNetV3 and NAS-Bench-201 were compared. At fp32 this is within 1 %
of their ONNX and TFLite files. At int8 it is within 1 % of TFLite files for OFA-MobileNetV3 and 6 %
for NAS-Bench-201. ONNX describes quantization by nodes of its own: its int8 files are up to 3 %
smaller than this for OFA-MobileNetV3, and 5 % (where convolutions prevail) to half (where there is
next to nothing but pooling) larger for NAS-Bench-201.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from math import prod
from typing import ClassVar, Self

import numpy as np

from nasprof.errors import UsageError
from nasprof.registry import near_names
from search.objectives.base import NamedObjective
from search.objectives.computed import counted
from search.objectives.models import Models
from search.problem import Objective
from spaces import Space
from spaces.graph import Block, Network
from spaces.ops import Conv, Linear, Norm, Op


@dataclass(frozen=True)
class Storage:
    """What a model file spends at one precision, in bytes.

    Args:
        weight: on a weight.
        channel: on an output channel of an operation with weights: bias and quantization.
        operation: on describing an operation and its value.
        arrays: on describing the weights of an operation.
    """

    weight: int
    channel: int
    operation: int
    arrays: int


STORAGE = {"fp32": Storage(4, 4, 90, 110), "int8": Storage(1, 4 + 2 * (4 + 8), 70, 330)}
"""By precision."""


@dataclass(frozen=True)
class SizeBytes(NamedObjective):
    """Bytes of the model file.

    Args:
        precision: "fp32" or "int8".
    """

    form: ClassVar[str] = "size_bytes@fp32|int8"

    precision: str = "fp32"

    @classmethod
    def of(cls, name: str, detail: str | None, models: Models) -> Self:
        precision = "fp32" if detail is None else detail
        if precision not in STORAGE:
            raise UsageError(
                f"objective {name!r}: the size is not known at {precision!r}",
                near_names(precision, STORAGE),
            )
        return cls(name, precision)

    def objective(self, space: Space) -> Objective:
        storage = STORAGE[self.precision]
        costs = np.array([block_bytes(block, storage) for block in space.vocabulary], np.float64)
        function = partial(space.additive, costs=costs, executed=True)
        return counted(self.name, "bytes", space, function)


def block_bytes(block: Block, storage: Storage) -> int:
    """What a block adds to a model file."""
    ops = Network.of(block).program().ops
    stored = list(filter(None, map(_stored, ops)))
    return storage.operation * len(ops) + sum(
        storage.weight * weights + storage.channel * channels + storage.arrays
        for weights, channels in stored
    )


def _stored(op: Op) -> tuple[int, int] | None:
    """Weights and output channels of an operation; None if it has none."""
    match op:
        case Conv():
            return prod(op.weight_shape), op.out_channels
        case Linear():
            return op.in_features * op.out_features, op.out_features
        case Norm():
            return op.channels, op.channels
    return None
