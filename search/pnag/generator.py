"""A trained generator: the policy, and what it was trained for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from nasprof.typing import Array, JsonObject
from search.objectives.trade_off import TradeOff
from search.pnag.budgets import BudgetScale
from search.pnag.policy import Policy
from spaces import Genes, Space
from spaces.predictor import SpaceMismatch

_PROBES = 256


@dataclass(frozen=True)
class Generator:
    """Draws architectures for any budget, by inference alone.

    Args:
        elites: the best architectures met in training ``(n, n_genes)``: none dominates another.
        provenance: ``accuracy``, ``cost`` and ``fingerprint`` of the models it was trained with,
            ``settings``, ``seed``, ``evaluations`` made in training, and ``evaluator`` where one
            was learnt.
        path: of its file, None if it has none.
    """

    policy: Policy
    scale: BudgetScale
    elites: Genes
    provenance: JsonObject = field(default_factory=dict)
    path: Path | None = field(default=None, compare=False)

    @property
    def space(self) -> Space:
        """Where its architectures are from."""
        return self.policy.space

    def to_dict(self) -> JsonObject:
        """Its file and its provenance, as JSON."""
        return {"path": None if self.path is None else str(self.path), **self.provenance}

    def of(self, space: Space) -> Generator:
        """The same if its architectures are of that space.

        Raises:
            SpaceMismatch: they are of another one.
        """
        if self.space != space:
            raise SpaceMismatch(
                f"the generator is of {self.space.label}, not of {space.label}",
                "Train one: nassearch train --help",
            )
        return self

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

    def trained_for(self, trade_off: TradeOff) -> bool:
        """Whether these are the models it was trained with, but for their calibration."""
        return self.provenance.get("fingerprint") == fingerprint(trade_off)


def fingerprint(trade_off: TradeOff) -> str:
    """What tells whether two trade-offs rank architectures alike.

    A digest of how the models predict a fixed set of architectures. Latencies are taken as shares
    of their range, which leaves out a table's calibration: this changes whenever an answer is
    verified, moves all latencies along a line, and is no reason to train again.
    """
    probes = trade_off.space.sample(_PROBES, np.random.default_rng(0), "biased")
    ends = trade_off.extremes
    shares = (trade_off.latency_ms(probes) - ends.min_ms) / (ends.max_ms - ends.min_ms)
    rounded = np.round([trade_off.top1(probes) / 100, shares], 5) + 0.0
    text = f"{trade_off.space.label} {rounded.tolist()}"
    return hashlib.sha256(text.encode()).hexdigest()
