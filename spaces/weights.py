"""Seeded random weights that keep a network's activations in a sane range."""

from __future__ import annotations

from math import prod, sqrt

import numpy as np
from numpy.typing import NDArray

from spaces.graph import Network
from spaces.ops import Activation, Conv


def random_weights(network: Network, rng: np.random.Generator) -> dict[str, NDArray[np.float32]]:
    """Every parameter and buffer of ``network``, by state-dict name.

    Weights are uniform with He's variance ``2 / fan_in`` where a non-linearity follows and
    ``1 / fan_in`` elsewhere. Batch norms differ from identity in all four arrays, as trained ones
    do, so that folding them wrongly shows. Same generator state, same weights.
    """
    shapes = network.arrays()
    drawn = rng.random(sum(map(prod, shapes.values())), np.float32)
    drawn -= np.float32(0.5)
    rectified = _rectified(network)
    weights: dict[str, NDArray[np.float32]] = {}
    start = 0
    for name, shape in shapes.items():
        stop = start + prod(shape)
        weights[name] = drawn[start:stop].reshape(shape)
        start = stop
        _scale(weights[name], name, 2 if name in rectified else 1)
    return weights


def _rectified(network: Network) -> set[str]:
    """Names of the convolution weights whose result goes through a non-linearity."""
    return {
        f"{layer.prefix}{op.param}.weight"
        for layer in network.layers
        for op in layer.block.ops
        if isinstance(op, Conv) and op.activation != Activation.NONE
    }


def _scale(array: NDArray[np.float32], name: str, gain: float) -> None:
    """Bring numbers from [-0.5, 0.5), of variance 1/12, into the array's range, in place."""
    if array.ndim > 1:
        array *= np.float32(sqrt(12 * gain / prod(array.shape[1:])))
    elif name.endswith(".running_var"):
        array += np.float32(1)
    else:
        array *= np.float32(0.4)
        array += np.float32(name.endswith(".weight"))
