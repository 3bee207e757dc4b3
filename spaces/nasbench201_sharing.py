"""How the networks of NAS-Bench-201 share weights: one set an operation, an edge and a cell.

All cells have the same operations; each has weights of its own (Dong and Yang, "NAS-Bench-201",
ICLR 2020, Sec. 2.1). Stem, reductions and head are common to all networks.
"""

from __future__ import annotations

import re
from functools import cached_property

import numpy as np

from spaces.base import Genes
from spaces.graph import Network
from spaces.nasbench201 import EDGES, OPERATIONS
from spaces.sharing import Share, Sharing

_EDGE = re.compile(r"(cells\.\d+\.layers\.(\d+)\.)(.+)")


class NasBench201Sharing(Sharing):
    """Weights shared by the networks of NAS-Bench-201."""

    @cached_property
    def arrays(self) -> dict[str, tuple[int, ...]]:
        """Those of every network, with the operation's name where they belong to an edge."""
        arrays: dict[str, tuple[int, ...]] = {}
        for operation in range(len(OPERATIONS)):
            genes = np.full(len(EDGES), operation, np.int8)
            network = self.space.network(genes)
            shares = self.shares(network, genes)
            arrays |= {shares[name].source: shape for name, shape in network.arrays().items()}
        return arrays

    def shares(self, network: Network, genes: Genes) -> dict[str, Share]:
        return {
            name: Share(_source(name, genes), shape) for name, shape in network.arrays().items()
        }


def _source(name: str, genes: Genes) -> str:
    match = _EDGE.fullmatch(name)
    if match is None:
        return name
    return f"{match[1]}{OPERATIONS[genes[int(match[2])]]}.{match[3]}"
