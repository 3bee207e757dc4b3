"""Seeded random weights that keep a network's activations in a sane range."""

from __future__ import annotations

from math import prod, sqrt

import numpy as np
from numpy.typing import NDArray

from spaces.graph import Network


def random_weights(network: Network, rng: np.random.Generator) -> dict[str, NDArray[np.float32]]:
    """Every parameter and buffer of ``network``, by state-dict name.

    Convolutions and linear layers are uniform with He's variance, ``2 / fan_in``; batch norms
    have statistics that differ from identity, as trained ones do, so that folding them wrongly
    shows. Same generator state, same weights.
    """
    shapes = network.arrays()
    drawn = rng.random(sum(map(prod, shapes.values())), np.float32)
    drawn -= np.float32(0.5)
    weights: dict[str, NDArray[np.float32]] = {}
    start = 0
    for name, shape in shapes.items():
        stop = start + prod(shape)
        weights[name] = drawn[start:stop].reshape(shape)
        start = stop
        _scale(name, weights[name])
    return weights


def _scale(name: str, array: NDArray[np.float32]) -> None:
    """Bring numbers from [-0.5, 0.5) into the range that suits the array, in place."""
    if array.ndim > 1:
        fan_in = prod(array.shape[1:])
        array *= np.float32(sqrt(12 * 2 / fan_in))
    elif name.endswith(".running_var"):
        array += np.float32(1)
    else:
        array *= np.float32(0.4)
        array += np.float32(name.endswith(".weight"))
