"""A trained generator: the policy, and what it was trained for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from nasprof.typing import Array, JsonObject
from search.generators.trained import TrainedGenerator
from search.objectives.trade_off import TradeOff
from search.pnag.budgets import BudgetScale
from search.pnag.policy import Policy
from spaces import Genes, Space


@dataclass(frozen=True)
class Generator(TrainedGenerator):
    """Draws architectures for any budget, by inference alone.

    Args:
        elites: the best architectures met in training ``(n, n_genes)``: none dominates another.
        provenance: ``accuracy``, ``cost`` and ``fingerprint`` of the models it was trained with,
            ``settings``, ``seed``, ``evaluations`` made in training, and ``evaluator`` where one
            was learnt.
        path: of its file, None if it has none.
    """

    command: ClassVar[str] = "nassearch train"

    policy: Policy
    scale: BudgetScale
    elites: Genes
    provenance: JsonObject = field(default_factory=dict)
    path: Path | None = field(default=None, compare=False)

    @property
    def space(self) -> Space:
        """Where its architectures are from."""
        return self.policy.space

    def sample(self, budgets_ms: Array, rng: np.random.Generator) -> Genes:
        """One architecture for each budget of predicted latency ``(n,)``: ``(n, n_genes)``."""
        return self.policy.sample(self.scale.weights(budgets_ms), rng)

    def calibrated(self, trade_off: TradeOff) -> Generator:
        """The same for a cost model whose range of latencies has moved since the training.

        A new calibration moves all latencies along a line, and so the knots.
        """
        ends, knots_ms = trade_off.extremes, self.scale.knots_ms
        if len(knots_ms) == 1:
            return self
        shares = (knots_ms - knots_ms[0]) / (knots_ms[-1] - knots_ms[0])
        moved = ends.min_ms + shares * (ends.max_ms - ends.min_ms)
        return replace(self, scale=BudgetScale(moved))
