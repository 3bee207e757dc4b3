"""Rewards that an evaluator has learnt from pairs of architectures."""

from __future__ import annotations

from math import cos, pi
from typing import ClassVar

import numpy as np
import torch

from nasprof.compiler_cache import no_compiler_cache
from nasprof.typing import Array, Flags, JsonObject
from search.generators.checkpoint import Arrays
from search.model_tensors import (
    load_module,
    load_optimizer,
    module_arrays,
    optimizer_arrays,
)
from search.objectives.trade_off import TradeOff
from search.pnag.budgets import BudgetScale
from search.pnag.dominance import dominance
from search.pnag.evaluator import Evaluator, hinge
from search.pnag.rewards import Batch, Reward
from search.pnag.settings import TrainingSettings
from spaces import Genes

EPOCHS = 250
LEARNING_RATE, FINAL_RATE = 0.1, 1e-3
REFRESH_RATE = 0.01
REFRESH_PASSES = 20
BATCH = 192
HELD_OUT = 500
FRESH = 600
"""Distinct architectures taken in at a refresh, at most."""
LARGEST_POOL = 6000


class LearntDominance(Reward):
    """The score of an evaluator: Guo et al. 2022, Sec. 3.2.

    It is trained on random architectures as published, and then, which is not, refreshed on what
    the generator makes: an evaluator that has never seen the front cannot lead to it.
    """

    accurate: ClassVar[bool] = True

    def __init__(
        self,
        trade_off: TradeOff,
        settings: TrainingSettings,
        scale: BudgetScale,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(trade_off, settings, scale, rng)
        space = trade_off.space
        features, seed = int(space.n_choices.sum(dtype=np.int64)), int(rng.integers(2**31))
        self.evaluator = Evaluator(features, len(scale), settings.evaluator_width, seed)
        with no_compiler_cache():
            self.optimizer = torch.optim.SGD(
                self.evaluator.parameters(), LEARNING_RATE, momentum=0.9, weight_decay=1e-4
            )
        self._fill(space.sample(settings.pool, rng, "biased"))
        self._fresh: list[Genes] = []

    def _fill(self, genes: Genes) -> None:
        self.genes = np.unique(genes, axis=0)
        self.rng.shuffle(self.genes)
        self._rate()

    def _rate(self) -> None:
        """What the models say of the pool."""
        self.top1 = self.trade_off.top1(self.genes)
        self.latency_ms = self.trade_off.latency_ms(self.genes)

    def __call__(self, batch: Batch) -> Array:
        budgets = torch.from_numpy(self.scale.weights(batch.budgets_ms))
        flat = batch.genes.reshape(-1, batch.genes.shape[-1])
        onehot = torch.from_numpy(self.trade_off.space.onehot(flat))
        onehot = onehot.reshape(*batch.top1.shape, onehot.shape[1])
        with torch.no_grad():
            scores: Array = self.evaluator(onehot, budgets).double().numpy()
        return scores

    # --- training ---------------------------------------------------------------------------

    def prepare(self) -> None:
        """Train for 250 epochs, the rate falling from 0.1 to 1e-3 along a cosine (Sec. 4.1)."""
        for epoch in range(EPOCHS):
            share = (1 + cos(pi * epoch / EPOCHS)) / 2
            self._epoch(FINAL_RATE + share * (LEARNING_RATE - FINAL_RATE))

    def learn(self, batch: Batch) -> None:
        """Every so many steps, train on what was sampled since and on the pool."""
        if not self.settings.refresh:
            return
        self._fresh.append(batch.genes.reshape(-1, batch.genes.shape[-1]))
        if len(self._fresh) < self.settings.refresh:
            return
        fresh = np.unique(np.concatenate(self._fresh), axis=0)
        chosen = self.rng.permutation(len(fresh))[:FRESH]
        kept = self.rng.permutation(len(self.genes))[: LARGEST_POOL - len(chosen)]
        self._fill(np.concatenate([self.genes[kept], fresh[chosen]]))
        self._fresh = []
        for _ in range(max(1, REFRESH_PASSES * BATCH // len(self.genes))):
            self._epoch(REFRESH_RATE)

    def _epoch(self, learning_rate: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        order = self.rng.permutation(len(self.genes))
        onehot = self.trade_off.space.onehot(self.genes)
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            budgets_ms = self.settings.trained(self.scale, len(self.scale), self.rng)
            rule = self._rule(self.top1[rows], self.latency_ms[rows], budgets_ms)
            budgets = torch.from_numpy(self.scale.weights(budgets_ms))
            loss = hinge(self.evaluator(torch.from_numpy(onehot[rows]), budgets), rule)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()

    def _rule(self, top1: Array, latency_ms: Array, budgets_ms: Array) -> torch.Tensor:
        rule = dominance(top1, latency_ms, budgets_ms, accurate=self.accurate)
        return torch.from_numpy(rule)

    # --- how well it is learnt --------------------------------------------------------------

    def report(self) -> JsonObject:
        """On random architectures it was not trained on, a list over the knots' budgets.

        ``kendall``: tau-b of scores with dominance (those within the budget by accuracy, then the
        others by latency); null where none dominates another. ``misranked``: the share of pairs
        of one within and one over the budget that are scored the wrong way round; null where
        there are none.
        """
        genes = self.trade_off.space.sample(HELD_OUT, np.random.default_rng(1), "biased")
        genes = _others(genes, self.genes)
        top1, latency_ms = self.trade_off.top1(genes), self.trade_off.latency_ms(genes)
        n = len(self.scale)
        batch = Batch(
            np.broadcast_to(genes, (n, *genes.shape)),
            np.broadcast_to(top1, (n, len(genes))),
            np.broadcast_to(latency_ms, (n, len(genes))),
            self.scale.knots_ms,
        )
        scores = self(batch)
        wins = dominance(top1, latency_ms, self.scale.knots_ms, accurate=self.accurate).sum(-1)
        return {
            "budgets_ms": self.scale.knots_ms.tolist(),
            "kendall": list(map(_kendall, scores, wins)),
            "misranked": list(map(_misranked, scores, batch.feasible)),
        }

    # --- files ------------------------------------------------------------------------------

    def arrays(self) -> Arrays:
        fresh = np.concatenate(self._fresh) if self._fresh else self.genes[:0]
        return {
            **module_arrays("evaluator", self.evaluator),
            **optimizer_arrays("evaluator-optimizer", self.optimizer),
            "pool": self.genes,
            "fresh": fresh,
            "fresh-lengths": np.array([len(genes) for genes in self._fresh], np.int64),
        }

    def load(self, arrays: Arrays) -> None:
        load_module("evaluator", self.evaluator, arrays)
        load_optimizer("evaluator-optimizer", self.optimizer, arrays)
        self.genes = arrays["pool"]
        self._rate()
        ends = np.cumsum(arrays["fresh-lengths"])
        self._fresh = np.split(arrays["fresh"], ends)[:-1]


class LearntFeasibility(LearntDominance):
    """The same without the accuracy constraint: of two within the budget neither wins."""

    accurate = False


def _others(genes: Genes, known: Genes) -> Genes:
    """Those of ``genes`` that are not known."""
    seen = {row.tobytes() for row in known}
    return genes[[row.tobytes() not in seen for row in genes]]


def _kendall(scores: Array, wins: Array) -> float | None:
    from scipy.stats import kendalltau

    if len(wins) < 2 or np.ptp(wins) == 0 or np.ptp(scores) == 0:
        return None
    return float(kendalltau(scores, wins).statistic)


def _misranked(scores: Array, feasible: Flags) -> float | None:
    within, over = scores[feasible], scores[~feasible]
    if not len(within) or not len(over):
        return None
    return float((over[:, None] >= within).mean())
