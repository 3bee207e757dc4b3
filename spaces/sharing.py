"""How the networks of a space share one set of weights: the arrays of a supernet.

A space's :class:`Sharing` names every array that its largest weights have, and says of any network
from which of them, and from which part, each of its own arrays is taken. The same description
serves numpy (weights of one network, cut out of a checkpoint) and torch (training them all).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isqrt
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from nasprof.errors import UsageError
from nasprof.registry import Registry
from spaces.base import Genes, Space
from spaces.graph import Network

State: TypeAlias = Mapping[str, NDArray[np.float32]]
Tensor = TypeVar("Tensor")
"""An array of numpy or of torch."""


@dataclass(frozen=True)
class Share:
    """Where an array of a network is in those of its supernet.

    Args:
        source: name of the supernet's array.
        shape: of the network's array: the first entries of each axis.
        axes: those along which the supernet's array may be larger.
        matrices: names of the supernet's matrices ``(k * k, k * k)`` that bring a kernel down to
            the next smaller size ``k``, in order. The centre of the larger one is multiplied by
            it (Cai et al., "Once-for-All", ICLR 2020, Sec. 3.2).
    """

    source: str
    shape: tuple[int, ...]
    axes: tuple[int, ...] = ()
    matrices: tuple[str, ...] = ()


@dataclass(frozen=True)
class ChannelGroup:
    """Channels inside a block that may change their order without changing what it computes.

    Args:
        axes: the axis of each of the supernet's arrays along which these channels lie.
        importance: name of the array whose absolute sums tell how much each channel counts.
    """

    axes: Mapping[str, int]
    importance: str


class Sharing(ABC):
    """How the networks of ``space`` share their weights.

    Networks of different input resolution share them too.
    """

    roles: Sequence[str] = ()
    """What each gene chooses, ``(n_genes,)``: "kernel", "depth", "expand", "resolution". Empty
    where genes choose something else, so that there is nothing to shrink progressively."""
    channel_groups: Sequence[ChannelGroup] = ()
    """Channels of which networks use the first ones, so that their order matters."""

    def __init__(self, space: Space) -> None:
        self.space = space

    @cached_property
    @abstractmethod
    def arrays(self) -> dict[str, tuple[int, ...]]:
        """Every parameter and buffer of the supernet: its name in published checkpoints -> shape.

        Those that end in ``running_mean`` and ``running_var`` are buffers.
        """

    @abstractmethod
    def shares(self, network: Network, genes: Genes) -> dict[str, Share]:
        """Where each of ``network.arrays()`` is found.

        Args:
            network: ``space.network(genes)``.
            genes: of one architecture, canonical, ``(n_genes,)``.
        """

    def current_names(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The arrays of a checkpoint by the names in :attr:`arrays`, where it has older ones."""
        return dict(state)

    def is_supernet(self, state: Mapping[str, object], network: Network) -> bool:
        """Whether names are those of the supernet rather than of one of its networks."""
        own = network.arrays()
        return any(name in self.arrays and name not in own for name in self.current_names(state))

    def network_weights(self, state: State, genes: Genes) -> dict[str, NDArray[np.float32]]:
        """The weights that the supernet gives to one of its networks, by the network's names.

        Args:
            state: the supernet's arrays.
            genes: of one architecture, ``(n_genes,)``.

        Raises:
            UsageError: an array is missing, or too small for this network.
        """
        genes = self.space.canonical(np.asarray(genes)[None])[0]
        current: dict[str, Any] = self.current_names(state)
        shares = self.shares(self.space.network(genes), genes)
        for name, share in shares.items():
            _check(current, name, share)
        return {name: np.ascontiguousarray(take(current, share)) for name, share in shares.items()}


sharings: Registry[type[Sharing]] = Registry(
    "weight sharing",
    {
        "elastic-resolution": "spaces.elastic_resolution_sharing:ElasticResolutionSharing",
        "nasbench201": "spaces.nasbench201_sharing:NasBench201Sharing",
        "ofa-mbv3": "spaces.mobilenetv3_sharing:MobileNetV3Sharing",
    },
)
"""By the name of the space."""


def sharing_of(space: Space) -> Sharing:
    """How the networks of ``space`` share weights.

    Raises:
        UsageError: it is not known of this space.
    """
    if space.name not in sharings:
        raise UsageError(
            f"space {space.name!r} does not say how its networks share weights",
            f"Spaces that do: {', '.join(sharings)}.",
        )
    return sharings.get(space.name)(space)


def take(state: Mapping[str, Any], share: Share) -> Any:
    """An array of a network, cut out of its supernet's; numpy and torch alike.

    A view where no matrix is involved.
    """
    array = state[share.source]
    if not share.matrices:
        return array[tuple(slice(size) for size in share.shape)]
    weight = array[: share.shape[0]]
    for name in share.matrices:
        matrix = state[name]
        kernel = isqrt(matrix.shape[0])
        start = (weight.shape[-1] - kernel) // 2
        centre = weight[..., start : start + kernel, start : start + kernel]
        weight = (centre.reshape(-1, kernel**2) @ matrix.T).reshape(centre.shape)
    return weight


def _check(state: Mapping[str, Any], name: str, share: Share) -> None:
    for matrix in share.matrices:
        if matrix not in state:
            raise UsageError(f"the supernet's checkpoint has no matrix {matrix}")
    if share.source not in state:
        raise UsageError(
            f"the supernet's checkpoint has no array {share.source!r}",
            "Give a checkpoint of the space that the architecture belongs to.",
        )
    have = state[share.source].shape
    axes = {*share.axes, *((2, 3) if share.matrices else ())}
    fits = len(have) == len(share.shape) and all(
        size >= least if axis in axes else size == least
        for axis, (size, least) in enumerate(zip(have, share.shape, strict=True))
    )
    if not fits:
        raise UsageError(
            f"the supernet's array for {name} is {tuple(have)}, which does not contain "
            f"{share.shape}",
            "Give a checkpoint of the space (width, classes) that the architecture belongs to.",
        )
