"""How the networks of OFA's MobileNetV3 space share weights, under the names of its checkpoints.

A block uses the first of the supernet's middle channels, a stage the first of its blocks, and
smaller kernels are the centres of larger ones multiplied by learned matrices (Cai et al.,
"Once-for-All", ICLR 2020, Sec. 3.2). As ``get_active_subnet`` of the ``ofa`` package; all arrays
are equal to its bit for bit but for those products, whose last digits depend on the matrix library.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import pairwise
from typing import cast

import numpy as np

from spaces.base import Genes
from spaces.graph import Network
from spaces.mobilenetv3 import MobileNetV3Space
from spaces.sharing import ChannelGroup, Share, Sharing, Tensor

_MIDDLE_AXES = {
    "inverted_bottleneck.": (0,),
    "depth_conv.": (0, 1),
    "point_linear.conv.": (1,),
}
"""Along which axes of a block's arrays its middle channels (or fewer SE channels) lie."""
_DEPTHWISE = "depth_conv.conv.weight"
_STATIC = (
    (".mobile_inverted_conv.", ".conv."),
    (".bn.bn.", ".bn."),
    (".conv.conv.weight", ".conv.weight"),
    (".linear.linear.", ".linear."),
)
"""What names in supernets, and in checkpoints published earlier, are in static networks."""


def plain_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Arrays of any published OFA checkpoint under the names of its static networks."""
    plain = {}
    for name, array in state.items():
        new = name
        for old, replacement in _STATIC:
            new = new.replace(old, replacement)
        plain[new] = array
    return plain


class MobileNetV3Sharing(Sharing):
    """Weights shared by the networks of a :class:`MobileNetV3Space`."""

    @property
    def _own_space(self) -> MobileNetV3Space:
        return cast(MobileNetV3Space, self.space)

    @cached_property
    def roles(self) -> tuple[str, ...]:  # type: ignore[override]
        """Per stage the depth, then expansion and kernel of each of its blocks."""
        space = self._own_space
        return ("depth", *("expand", "kernel") * space.max_depth) * space.n_stages

    @cached_property
    def arrays(self) -> dict[str, tuple[int, ...]]:
        """Those of the largest network, and two kernel matrices a block."""
        arrays: dict[str, tuple[int, ...]] = {}
        sizes = sorted(self._own_space.kernel_choices, reverse=True)
        for name, shape in self._largest.arrays().items():
            if _block(name) and name.endswith(_DEPTHWISE):
                for matrix, (_, size) in zip(_matrices(name, sizes), pairwise(sizes), strict=True):
                    arrays[matrix] = (size**2, size**2)
            arrays[_dynamic(name)] = shape
        return arrays

    @cached_property
    def _largest(self) -> Network:
        return self.space.network((self.space.n_choices - 1).astype(np.int8))

    @cached_property
    def channel_groups(self) -> tuple[ChannelGroup, ...]:  # type: ignore[override]
        """The middle channels of each block that networks may use fewer of."""
        names = self._largest.arrays()
        blocks = sorted({block for name in names if (block := _block(name))})
        return tuple(ChannelGroup(dict(_middle(block, names)), _linear(block)) for block in blocks)

    def current_names(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {
            name.replace(".mobile_inverted_conv.", ".conv."): array for name, array in state.items()
        }

    def shares(self, network: Network, genes: Genes) -> dict[str, Share]:
        space = self._own_space
        depths = space.choices(genes[None])[0][0].tolist()
        # The first block is common to all networks; behind it every stage has room for its longest.
        places = [0] + [
            1 + space.max_depth * stage + block
            for stage, depth in enumerate(depths)
            for block in range(depth)
        ]
        return {name: self._share(name, shape, places) for name, shape in network.arrays().items()}

    def _share(self, name: str, shape: tuple[int, ...], places: list[int]) -> Share:
        block = _block(name)
        if not block:
            return Share(_dynamic(name), shape)
        rest = name.removeprefix(f"blocks.{block}.conv.")
        source = f"blocks.{places[block]}.conv.{rest}"
        axes = next((axes for start, axes in _MIDDLE_AXES.items() if rest.startswith(start)), ())
        sizes = sorted(self._own_space.kernel_choices, reverse=True)
        larger = [size for size in sizes if size >= shape[-1]] if rest == _DEPTHWISE else []
        return Share(_dynamic(source), shape, axes, _matrices(source, larger))


def _block(name: str) -> int:
    """The number of the block that an array belongs to; 0 for one that all networks have whole."""
    match = re.match(r"blocks\.(\d+)\.", name)
    return int(match[1]) if match else 0


def _dynamic(name: str) -> str:
    """A static network's name of an array in an elastic block as the supernet's."""
    if not _block(name) or ".se." in name:
        return name
    return name.replace(".conv.weight", ".conv.conv.weight").replace(".bn.", ".bn.bn.")


def _matrices(depthwise: str, sizes: list[int]) -> tuple[str, ...]:
    """The matrices from the first of ``sizes`` to the last, for a depthwise ``...conv.weight``."""
    stem = depthwise.removesuffix("weight")
    return tuple(f"{stem}{size}to{smaller}_matrix" for size, smaller in pairwise(sizes))


def _linear(block: int) -> str:
    return _dynamic(f"blocks.{block}.conv.point_linear.conv.weight")


def _middle(block: int, names: Mapping[str, tuple[int, ...]]) -> Iterator[tuple[str, int]]:
    """The arrays of a block with an axis over its middle channels."""
    start = f"blocks.{block}.conv."
    for name in names:
        if name.startswith(start):
            rest = name.removeprefix(start)
            if rest.startswith(("point_linear.conv.", "depth_conv.se.fc.reduce.weight")):
                yield _dynamic(name), 1
            elif (
                rest.startswith(("inverted_bottleneck.", "depth_conv.")) and ".reduce." not in rest
            ):
                yield _dynamic(name), 0
