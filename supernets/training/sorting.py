"""Channels in the order of their importance, so that the first ones count most."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from spaces import Genes
from spaces.sharing import ChannelGroup, Sharing

Tensors = Mapping[str, Tensor]


def channel_orders(
    sharing: Sharing, weights: Tensors, kept: Genes
) -> list[tuple[ChannelGroup, Tensor]]:
    """The order of each group's channels by importance: the L1 norm of their weights.

    Cai et al., "Once-for-All", ICLR 2020, Sec. 3.3. Channels change places only with those that
    the same of the kept networks have, as in the published training.

    Args:
        weights: of the supernet, by name.
        kept: networks ``(k, n_genes)`` that keep the channels they have.

    Returns:
        Of each group the indices of its channels in their new order ``(n_channels,)``.
    """
    widths = _widths(sharing, kept)
    return [
        (group, _order(_importance(group, weights), widths.get(group.importance, {})))
        for group in sharing.channel_groups
    ]


def _widths(sharing: Sharing, kept: Genes) -> dict[str, dict[int, set[int]]]:
    """How many entries the kept networks use of each axis of each array."""
    widths: dict[str, dict[int, set[int]]] = {}
    for genes in kept:
        for share in sharing.shares(sharing.space.network(genes), genes).values():
            for axis, size in enumerate(share.shape):
                widths.setdefault(share.source, {}).setdefault(axis, set()).add(size)
    return widths


def _importance(group: ChannelGroup, weights: Tensors) -> tuple[int, Tensor]:
    axis, array = group.axes[group.importance], weights[group.importance].detach()
    others = [number for number in range(array.dim()) if number != axis]
    return axis, array.abs().double().sum(others) if others else array.abs().double()


def _order(importance: tuple[int, Tensor], widths: Mapping[int, Iterable[int]]) -> Tensor:
    axis, values = importance
    ends = sorted({*widths.get(axis, ()), len(values)})
    parts, start = [], 0
    for end in ends:
        part = torch.argsort(values[start:end], descending=True, stable=True)
        parts.append(part + start)
        start = end
    return torch.cat(parts)


def reorder(orders: Sequence[tuple[ChannelGroup, Tensor]], tensors: Tensors) -> None:
    """Bring arrays into a new order, in place: weights, statistics, or what goes with them.

    Args:
        tensors: by the name of the supernet's array; those that are missing are passed over.
    """
    with torch.no_grad():
        for group, order in orders:
            for name, axis in group.axes.items():
                if name in tensors:
                    tensors[name].copy_(tensors[name].index_select(axis, order))
