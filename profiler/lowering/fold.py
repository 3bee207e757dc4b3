"""What every writer of files works from: batch norm folded into the operation it follows.

The torch module keeps batch norm, since it may be trained.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from nasprof.errors import UsageError
from spaces.graph import Program
from spaces.ops import BATCH_NORM_EPS, Activate, Add, Conv, Linear, Norm, Op, Zero

Array: TypeAlias = NDArray[np.float32]
AnyInput: TypeAlias = NDArray[np.generic]
"""What a file takes: float32 as the network sees it, or pixels as uint8."""
Weights: TypeAlias = Mapping[str, Array]


@dataclass(frozen=True)
class Affine:
    """What an operation multiplies by and adds.

    Args:
        weight: convolution ``(out, in / groups, k, k)``, linear ``(out, in)``, norm ``(c,)``.
        bias: ``(out,)``.
    """

    weight: Array
    bias: Array


def fold(program: Program, weights: Weights) -> dict[str, Affine]:
    """Weight and bias of each convolution, linear layer and norm, by the operation's name.

    Raises:
        UsageError: one of them is not finite.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        folded = {op.name: _affine(op, weights) for op in program.ops}
    known = {name: affine for name, affine in folded.items() if affine is not None}
    for name, affine in known.items():
        if not (np.isfinite(affine.weight).all() and np.isfinite(affine.bias).all()):
            raise UsageError(
                f"weights: {name}, with its batch norm folded in, has values that are not finite",
                "They are too large, or of a training that has diverged; take another checkpoint.",
            )
    return known


def merge_equal(program: Program) -> Program:
    """The program with equal operations on equal values executed once.

    Edges of a cell often begin with the same activation of the same node. Some runtimes notice,
    others would compute it again.
    """
    names: dict[str, str] = {}
    first: dict[Op, str] = {}
    kept: list[Op] = []
    for op in program.ops:
        merged = replace(op, inputs=tuple(names.get(name, name) for name in op.inputs))
        equal = first.setdefault(replace(merged, name=""), op.name)
        names[op.name] = equal
        if equal == op.name:
            kept.append(merged)
    return replace(program, ops=tuple(kept))


def flat_values(program: Program) -> set[str]:
    """Values that are (n, c) and not (n, 1, 1, c): linear layers' and what is computed on them."""
    flat: set[str] = set()
    for op in program.ops:
        elementwise = isinstance(op, Activate | Add | Zero)
        if isinstance(op, Linear) or (elementwise and flat.issuperset(op.inputs)):
            flat.add(op.name)
    return flat


def _affine(op: Op, weights: Weights) -> Affine | None:
    if isinstance(op, Conv):
        return _convolution(op, weights)
    if isinstance(op, Linear):
        return Affine(weights[f"{op.param}.weight"], weights[f"{op.param}.bias"])
    if isinstance(op, Norm):
        scale, shift = _scale_and_shift(op.norm, weights)
        return Affine(scale.astype(np.float32), shift.astype(np.float32))
    return None


def _convolution(op: Conv, weights: Weights) -> Affine:
    weight = weights[f"{op.param}.weight"]
    bias = weights[f"{op.param}.bias"] if op.bias else np.zeros(op.out_channels, np.float32)
    if op.norm is None:
        return Affine(weight, bias)
    scale, shift = _scale_and_shift(op.norm, weights)
    bias = (bias * scale + shift).astype(np.float32)
    return Affine(weight * scale.astype(np.float32)[:, None, None, None], bias)


def _scale_and_shift(
    norm: str, weights: Weights
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    variance = weights[f"{norm}.running_var"].astype(np.float64)
    scale = weights[f"{norm}.weight"] / np.sqrt(variance + BATCH_NORM_EPS)
    return scale, weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * scale
