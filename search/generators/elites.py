"""The best architectures sampled so far."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasprof.typing import Array
from search.generators.population import Population, stack
from search.quality.indicators import non_dominated
from spaces import Genes, Space


@dataclass(frozen=True)
class Elites(Population):
    """Architectures none of which is dominated, fastest and least accurate first."""

    @classmethod
    def none(cls, space: Space) -> Elites:
        """None yet."""
        return cls(np.zeros((0, space.n_genes), np.int8), np.zeros(0), np.zeros(0))

    def with_those_of(self, others: Population) -> Elites:
        """The best of these and of others."""
        both = stack([self, others])
        best = both[non_dominated(np.stack([-both.top1, both.latency_ms], 1))]
        return Elites(best.genes, best.top1, best.latency_ms)

    def for_budgets(self, budgets_ms: Array) -> tuple[Genes, NDArray[np.bool_]]:
        """The most accurate architecture within each budget, for those budgets that have one.

        Returns:
            genes ``(m, n_genes)`` and which budgets they are for, ``(n,)``.
        """
        rows = np.searchsorted(self.latency_ms, budgets_ms, side="right") - 1
        return self.genes[rows[rows >= 0]], rows >= 0
