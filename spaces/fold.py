"""Batch norm folded into the convolution it follows: what model files and evaluation work from.

A convolution ``w * x`` that is normalised by mean ``m``, variance ``v``, weight ``g`` and bias
``b`` is another one of kernels ``w * g / sqrt(v + eps)`` and a bias (Jacob et al., "Quantization
and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", CVPR 2018,
Sec. 3.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from spaces.graph import Program
from spaces.ops import BATCH_NORM_EPS, Conv, Linear, Norm, Op

Weights: TypeAlias = Mapping[str, NDArray[np.float32]]
"""Parameters and buffers by their state-dict names."""


@dataclass(frozen=True)
class Affine:
    """What an operation multiplies by and adds.

    Args:
        weight: convolution ``(out, in / groups, k, k)``, linear ``(out, in)``, norm ``(c,)``.
        bias: ``(out,)``.
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]


def fold(program: Program, weights: Weights) -> dict[str, Affine]:
    """Weight and bias of each convolution, linear layer and norm, by the operation's name.

    Weights of a training that has diverged may give values that are not finite.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        affines = {op.name: _affine(op, weights) for op in program.ops}
    return {name: affine for name, affine in affines.items() if affine is not None}


def folded_program(
    program: Program, weights: Weights, affines: Mapping[str, Affine]
) -> tuple[Program, dict[str, NDArray[np.float32]]]:
    """The program with a bias instead of a batch norm at each convolution, and its weights.

    Args:
        program: whose convolutions may be followed by batch norm.
        weights: its parameters and buffers.
        affines: what :func:`fold` makes of them.
    """
    ops = tuple(
        replace(op, norm=None, bias=True) if isinstance(op, Conv) else op for op in program.ops
    )
    arrays: dict[str, NDArray[np.float32]] = {}
    for op in ops:
        if isinstance(op, Conv):
            arrays[f"{op.param}.weight"] = affines[op.name].weight
            arrays[f"{op.param}.bias"] = affines[op.name].bias
        else:
            arrays |= {name: weights[name] for name in op.parameters() | op.buffers()}
    return replace(program, ops=ops), arrays


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
