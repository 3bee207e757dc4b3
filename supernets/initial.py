"""Weights that a supernet's training begins with."""

from __future__ import annotations

from math import sqrt
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from spaces.base import Genes, Space
from spaces.graph import Layer
from spaces.ops import Add, Conv, Linear
from spaces.sharing import Sharing

Array: TypeAlias = NDArray[np.float32]

_LINEAR_DEVIATION = 0.01


def initial_arrays(space: Space, sharing: Sharing, rng: np.random.Generator) -> dict[str, Array]:
    """Every array of the supernet, by name.

    Convolutions are normal with He's variance ``2 / fan_out`` (He et al., ICCV 2015), linear layers
    normal with deviation 0.01, kernel matrices identities. The last batch norm of a residual block
    has gamma 0, so that the block begins as the identity (Goyal et al., 2017, Sec. 5.1); a block
    without a residual sum keeps 1, since it would pass nothing on.
    """
    deviations, silent = _structure(space, sharing)
    arrays: dict[str, Array] = {}
    for name, shape in sharing.arrays.items():
        if name in deviations:
            drawn = rng.standard_normal(shape, np.float32)
            arrays[name] = drawn * np.float32(deviations[name])
        elif name.endswith("_matrix"):
            arrays[name] = np.eye(shape[0], dtype=np.float32)
        else:
            one = name.endswith((".weight", ".running_var")) and name not in silent
            arrays[name] = np.full(shape, float(one), np.float32)
    return arrays


def _structure(space: Space, sharing: Sharing) -> tuple[dict[str, float], set[str]]:
    """Standard deviations of convolutions and linear layers; the gammas that begin at 0."""
    deviations: dict[str, float] = {}
    silent: set[str] = set()
    for genes in _all_choices(space):
        network = space.network(genes)
        sources = {name: share.source for name, share in sharing.shares(network, genes).items()}
        for layer in network.layers:
            for op in layer.block.ops:
                if isinstance(op, Conv):
                    fan_out = op.out_channels * op.kernel**2 / op.groups
                    weight = sources[f"{layer.prefix}{op.param}.weight"]
                    deviations.setdefault(weight, sqrt(2 / fan_out))
                elif isinstance(op, Linear):
                    weight = sources[f"{layer.prefix}{op.param}.weight"]
                    deviations.setdefault(weight, _LINEAR_DEVIATION)
            silent |= {sources[f"{layer.prefix}{norm}.weight"] for norm in _last_norms(layer)}
    return deviations, silent


def _last_norms(layer: Layer) -> list[str]:
    """The norms whose result is added to what the block reads."""
    ops = {op.name: op for op in layer.block.ops}
    branches = [
        ops.get(name)
        for op in layer.block.ops
        if isinstance(op, Add) and "in0" in op.inputs
        for name in op.inputs
    ]
    return [op.norm for op in branches if isinstance(op, Conv) and op.norm]


def _all_choices(space: Space) -> list[Genes]:
    """Networks that between them have every choice of every gene, the largest first."""
    last = space.n_choices - 1
    rows = [np.maximum(last - step, 0) for step in range(int(last.max()) + 1)]
    return list(space.canonical(np.array(rows, np.int8)))
