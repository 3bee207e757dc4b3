"""Weights of one network cut out of a supernet's checkpoint, by name and shape, in numpy."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nasprof.errors import UsageError
from nasprof.registry import Registry
from spaces.graph import Network

State: TypeAlias = Mapping[str, NDArray[np.float32]]
Slicer: TypeAlias = Callable[[State, Mapping[str, Any], Network], dict[str, NDArray[np.float32]]]

slicers: Registry[Slicer] = Registry(
    "supernet slicer", {"ofa-mbv3": "spaces.supernet:slice_mobilenetv3"}
)

_RENAMED = (
    (".mobile_inverted_conv.", ".conv."),
    (".bn.bn.", ".bn."),
    (".conv.conv.weight", ".conv.weight"),
    (".linear.linear.", ".linear."),
)
_SUPERNET_ONLY = (".bn.bn.", ".conv.conv.weight", ".linear.linear.", "to5_matrix", "to3_matrix")
_SLICED_DIMENSIONS = {
    "inverted_bottleneck.": (0,),
    "depth_conv.": (0, 1),
    "point_linear.conv.": (1,),
}
"""Which dimensions of a block's arrays run over its middle channels (or fewer SE channels)."""


def plain_names(state: State) -> dict[str, NDArray[np.float32]]:
    """Arrays of any published OFA checkpoint under the names of its static networks."""
    plain = {}
    for name, array in state.items():
        new = name
        for old, replacement in _RENAMED:
            new = new.replace(old, replacement)
        plain[new] = array
    return plain


def is_supernet(state: State) -> bool:
    """Whether the names are those of an OFA supernet rather than of one network."""
    return any(mark in name for name in state for mark in _SUPERNET_ONLY)


def slice_mobilenetv3(
    state: State, arch: Mapping[str, Any], network: Network
) -> dict[str, NDArray[np.float32]]:
    """The weights that OFA's MobileNetV3 supernet gives to one of its networks.

    As ``get_active_subnet`` of the ``ofa`` package: a block uses the first of the supernet's
    middle channels, and smaller kernels are the centres of larger ones multiplied by learned
    matrices (Cai et al., ICLR 2020, Sec. 3.2). All arrays are equal to its bit for bit but for
    those products, whose last digits depend on the matrix library.

    Args:
        state: the supernet's state dict.
        arch: JSON object of the network (``depths``, ``kernel_sizes``).
        network: the network itself, for names and shapes.

    Raises:
        UsageError: an array is missing, or too small for this network.
    """
    plain = plain_names(state)
    blocks = _supernet_blocks(arch)
    return {name: _sliced(plain, name, shape, blocks) for name, shape in network.arrays().items()}


def _supernet_blocks(arch: Mapping[str, Any]) -> list[int]:
    """The supernet's block number of each block of the network; the first one is common to all."""
    depths = arch["depths"]
    longest = len(arch["kernel_sizes"]) // len(depths)
    return [0] + [
        1 + longest * stage + block for stage, depth in enumerate(depths) for block in range(depth)
    ]


def _sliced(
    plain: State, name: str, shape: tuple[int, ...], blocks: list[int]
) -> NDArray[np.float32]:
    match = re.fullmatch(r"blocks\.(\d+)\.conv\.(.+)", name)
    if match is None or match[1] == "0":
        return _cut(_find(plain, name), name, shape, ())
    source = f"blocks.{blocks[int(match[1])]}.conv.{match[2]}"
    dimensions = next((d for key, d in _SLICED_DIMENSIONS.items() if match[2].startswith(key)), ())
    array = _find(plain, source)
    if match[2] == "depth_conv.conv.weight":
        channels = array[: shape[0]]
        array = _smaller_kernel(plain, source.removesuffix("weight"), channels, shape[-1])
    return _cut(array, name, shape, dimensions)


def _find(plain: State, name: str) -> NDArray[np.float32]:
    if name not in plain:
        raise UsageError(
            f"the supernet's checkpoint has no array {name!r}",
            "Give a checkpoint of the space that the architecture belongs to.",
        )
    return plain[name]


def _cut(
    array: NDArray[np.float32], name: str, shape: tuple[int, ...], dimensions: tuple[int, ...]
) -> NDArray[np.float32]:
    """The first entries of ``array``; only ``dimensions`` may shrink."""
    fits = array.ndim == len(shape) and all(
        have >= want if axis in dimensions else have == want
        for axis, (have, want) in enumerate(zip(array.shape, shape, strict=True))
    )
    if not fits:
        raise UsageError(
            f"the supernet's array for {name} is {array.shape}, which does not contain {shape}",
            "Give a checkpoint of the space (width, classes) that the architecture belongs to.",
        )
    return np.ascontiguousarray(array[tuple(slice(size) for size in shape)])


def _smaller_kernel(
    plain: State, prefix: str, weight: NDArray[np.float32], kernel: int
) -> NDArray[np.float32]:
    """Depthwise weights (c, 1, k, k) brought down to ``kernel`` step by step."""
    steps = {
        int(match[1]): int(match[2])
        for name in plain
        if (match := re.fullmatch(re.escape(prefix) + r"(\d+)to(\d+)_matrix", name))
    }
    while weight.shape[-1] > kernel:
        size = weight.shape[-1]
        if size not in steps:
            raise UsageError(f"the supernet's checkpoint has no matrix {prefix}{size}to..._matrix")
        start, smaller = (size - steps[size]) // 2, steps[size]
        centre = weight[..., start : start + smaller, start : start + smaller]
        matrix = plain[f"{prefix}{size}to{smaller}_matrix"]
        weight = (centre.reshape(-1, smaller**2) @ matrix.T).reshape(centre.shape)
    return weight
