"""Architectures with their objectives, as the models of a trade-off predict them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nasprof.typing import Array, Flags, Indices
from search.objectives.trade_off import TradeOff
from spaces import Genes


@dataclass(frozen=True)
class Population:
    """Architectures and their objectives.

    Args:
        genes: ``(n, n_genes)``.
        top1: in percent, ``(n,)``.
        latency_ms: ``(n,)``.
    """

    genes: Genes
    top1: Array
    latency_ms: Array

    @classmethod
    def evaluated(cls, trade_off: TradeOff, genes: Genes) -> Population:
        """Architectures ``(n, n_genes)`` as the models of a trade-off predict them."""
        return cls(genes, trade_off.top1(genes), trade_off.latency_ms(genes))

    def __getitem__(self, rows: Indices | Flags | slice) -> Population:
        return Population(self.genes[rows], self.top1[rows], self.latency_ms[rows])

    def __len__(self) -> int:
        return len(self.genes)


def stack(parts: Sequence[Population]) -> Population:
    """Several of them as one."""
    return Population(
        np.concatenate([part.genes for part in parts]),
        np.concatenate([part.top1 for part in parts]),
        np.concatenate([part.latency_ms for part in parts]),
    )


def distinct(population: Population) -> Population:
    """The same, every architecture once."""
    _, rows = np.unique(population.genes, axis=0, return_index=True)
    return population[np.sort(rows)]
