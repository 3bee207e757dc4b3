"""The best architectures sampled so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from search.runs.indicators import non_dominated
from spaces import Genes, Space

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Elites:
    """Architectures none of which is dominated, fastest first.

    Args:
        genes: ``(n, n_genes)``.
        top1: in percent, ascending, ``(n,)``.
        latency_ms: ascending, ``(n,)``.
    """

    genes: Genes
    top1: Array
    latency_ms: Array

    @classmethod
    def none(cls, space: Space) -> Elites:
        """None yet."""
        return cls(np.zeros((0, space.n_genes), np.int8), np.zeros(0), np.zeros(0))

    def with_those_of(self, genes: Genes, top1: Array, latency_ms: Array) -> Elites:
        """The best of these and of others."""
        genes = np.concatenate([self.genes, genes])
        top1 = np.concatenate([self.top1, top1])
        latency_ms = np.concatenate([self.latency_ms, latency_ms])
        kept = non_dominated(np.stack([-top1, latency_ms], 1))
        return Elites(genes[kept], top1[kept], latency_ms[kept])

    def for_budgets(self, budgets_ms: Array) -> tuple[Genes, NDArray[np.bool_]]:
        """The most accurate architecture within each budget, for those budgets that have one.

        Returns:
            genes ``(m, n_genes)`` and which budgets they are for, ``(n,)``.
        """
        places = np.searchsorted(self.latency_ms, budgets_ms, side="right") - 1
        return self.genes[places[places >= 0]], places >= 0
