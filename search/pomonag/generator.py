"""A trained POMONAG generator: the diffusion, and what it was trained for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from nasprof.threads import one_torch_thread
from nasprof.typing import Array, JsonObject
from search.diffusion.conditions import Condition
from search.generators.trained import TrainedGenerator
from search.objectives.trade_off import TradeOff
from search.pomonag.settings import PomonagSettings
from spaces import Genes, Space

if TYPE_CHECKING:
    from search.diffusion.model import Diffusion

KIND = "pomonag-generator"
"""Of its files."""
LATENCY = 0
"""Number of the cost that budgets are of."""


@dataclass(frozen=True)
class TrainingData:
    """What a training has seen.

    Args:
        random: architectures that it learnt first, ``(n, n_genes)``: others are novel.
        elites: the best met in training, ``(m, n_genes)``: none dominates another.
        measured: those whose accuracy was asked for, ``(k, n_genes)``; none where all were.
        measured_top1: in percent, ``(k,)``.
    """

    random: Genes
    elites: Genes
    measured: Genes
    measured_top1: Array


@dataclass(frozen=True)
class PomonagGenerator(TrainedGenerator):
    """Samples architectures for any budget and any phase.

    Args:
        range_ms: least and largest latency when it was trained, ``(2,)``.
        excess: by how much samples exceed the share of the range of latencies that they were
            asked for, at the quantile ``settings.within`` and evenly spaced shares, ``(k,)``.
        provenance: ``accuracy``, ``cost`` and ``fingerprint`` of the models it was trained with,
            ``objectives``, ``settings``, ``seed`` and ``evaluations`` made in training.
        path: of its file, None if it has none.
        now_ms: that range as it is now; a new calibration of the cost model moves it.
    """

    command: ClassVar[str] = "nassearch pomonag train"

    diffusion: Diffusion
    data: TrainingData
    settings: PomonagSettings
    range_ms: Array
    excess: Array
    provenance: JsonObject = field(default_factory=dict)
    path: Path | None = field(default=None, compare=False)
    now_ms: Array | None = None

    @property
    def space(self) -> Space:
        """Where its architectures are from."""
        return self.diffusion.process.encoding.space

    @property
    def elites(self) -> Genes:
        """The best architectures met in training ``(n, n_genes)``."""
        return self.data.elites

    @property
    def objectives(self) -> tuple[str, ...]:
        """Names of its objectives, accuracy and latency first."""
        return self.diffusion.names

    def calibrated(self, trade_off: TradeOff) -> PomonagGenerator:
        """The same for a cost model whose range of latencies has moved since the training."""
        ends = trade_off.extremes
        return replace(self, now_ms=np.array([ends.min_ms, ends.max_ms]))

    def cost_shares(self, latencies_ms: Array) -> Array:
        """Shares of the range of latencies, as conditions have them, of today's: ``(n,)``."""
        low, high = self.range_ms if self.now_ms is None else self.now_ms
        share = (latencies_ms - low) / max(high - low, 1e-12)
        then_ms = self.range_ms[0] + share * (self.range_ms[1] - self.range_ms[0])
        costs = np.ones((len(latencies_ms), len(self.diffusion.scale.low)))
        costs[:, LATENCY] = np.maximum(then_ms, 1e-9)
        shares: Array = self.diffusion.scale.shares(costs)[:, LATENCY]
        return shares

    def sample(self, budgets_ms: Array, rng: np.random.Generator) -> Genes:
        """One architecture for each budget of predicted latency ``(n,)``: ``(n, n_genes)``."""
        shares = self.cost_shares(budgets_ms)
        excess = np.interp(shares, np.linspace(0, 1, len(self.excess)), self.excess)
        condition = Condition.at(shares - excess, self.settings.advantage)
        guidance = self.settings.budget_guidance
        with one_torch_thread():
            return self.diffusion.with_settings(guidance=guidance).sample(condition, rng).genes
