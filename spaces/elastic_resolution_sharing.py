"""How networks of several input resolutions share weights: as those of one resolution do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from spaces.base import Genes, Space
from spaces.graph import Network
from spaces.sharing import ChannelGroup, Share, Sharing, Tensor, sharing_of


class ElasticResolutionSharing(Sharing):
    """Weights shared by the networks of an :class:`ElasticResolutionSpace`.

    Raises:
        UsageError: it is not known how those of one resolution share weights.
    """

    def __init__(self, space: Space) -> None:
        super().__init__(space)
        self._member = sharing_of(space.members[-1])

    @property
    def roles(self) -> Sequence[str]:  # type: ignore[override]
        """Those of one resolution behind "resolution"; none where it has none."""
        return ("resolution", *self._member.roles) if self._member.roles else ()

    @property
    def channel_groups(self) -> Sequence[ChannelGroup]:  # type: ignore[override]
        return self._member.channel_groups

    @cached_property
    def arrays(self) -> dict[str, tuple[int, ...]]:
        return self._member.arrays

    def shares(self, network: Network, genes: Genes) -> dict[str, Share]:
        return self._member.shares(network, genes[1:])

    def current_names(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return self._member.current_names(state)

    def is_supernet(self, state: Mapping[str, object], network: Network) -> bool:
        return self._member.is_supernet(state, network)
