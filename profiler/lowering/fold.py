"""What every writer of files works from: a program with its batch norm folded.

The torch module keeps batch norm, since it may be trained.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from nasprof.errors import UsageError
from spaces.fold import Affine, Weights, fold
from spaces.graph import Program
from spaces.ops import Activate, Add, Linear, Op, Zero

Array: TypeAlias = NDArray[np.float32]
AnyInput: TypeAlias = NDArray[np.generic]
"""What a file takes: float32 as the network sees it, or pixels as uint8."""


def checked_fold(program: Program, weights: Weights) -> dict[str, Affine]:
    """Weight and bias of each convolution, linear layer and norm, by the operation's name.

    Raises:
        UsageError: one of them is not finite.
    """
    affines = fold(program, weights)
    for name, affine in affines.items():
        if not (np.isfinite(affine.weight).all() and np.isfinite(affine.bias).all()):
            raise UsageError(
                f"weights: {name}, with its batch norm folded in, has values that are not finite",
                "They are too large, or of a training that has diverged; take another checkpoint.",
            )
    return affines


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
