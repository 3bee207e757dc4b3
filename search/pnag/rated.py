"""Architectures with what the models of a trade-off say of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasprof.typing import Array
from search.objectives.trade_off import TradeOff
from spaces import Genes


@dataclass(frozen=True)
class Rated:
    """Architectures and what the models say of them.

    Args:
        genes: ``(n, n_genes)``.
        top1: in percent, ``(n,)``.
        latency_ms: ``(n,)``.
    """

    genes: Genes
    top1: Array
    latency_ms: Array

    @classmethod
    def by(cls, trade_off: TradeOff, genes: Genes) -> Rated:
        """Rated by the models of a trade-off."""
        return cls(genes, trade_off.top1(genes), trade_off.latency_ms(genes))

    def __getitem__(self, rows: NDArray[np.intp] | NDArray[np.bool_] | slice) -> Rated:
        return Rated(self.genes[rows], self.top1[rows], self.latency_ms[rows])

    def __len__(self) -> int:
        return len(self.genes)


def stack(parts: Sequence[Rated]) -> Rated:
    """Several of them as one."""
    return Rated(
        np.concatenate([part.genes for part in parts]),
        np.concatenate([part.top1 for part in parts]),
        np.concatenate([part.latency_ms for part in parts]),
    )


def distinct(rated: Rated) -> Rated:
    """The same, every architecture once."""
    _, rows = np.unique(rated.genes, axis=0, return_index=True)
    return rated[np.sort(rows)]
