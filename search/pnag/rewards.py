"""Rewards that architectures may earn under budgets (Guo et al. 2022, Table 2)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from nasprof.registry import Registry
from nasprof.typing import Array, Flags, JsonObject
from search.generators.checkpoint import Arrays
from search.objectives.trade_off import TradeOff
from search.pnag.budgets import BudgetScale
from search.pnag.dominance import dominance
from search.pnag.settings import TrainingSettings
from spaces import Genes

MNASNET_EXPONENT = -0.07
TUNAS_EXPONENT = -0.07


@dataclass(frozen=True)
class Batch:
    """Architectures sampled for budgets.

    Args:
        genes: ``(n_budgets, n_samples, n_genes)``.
        top1: in percent, ``(n_budgets, n_samples)``.
        latency_ms: ``(n_budgets, n_samples)``.
        budgets_ms: ``(n_budgets,)``.
    """

    genes: Genes
    top1: Array
    latency_ms: Array
    budgets_ms: Array

    @property
    def feasible(self) -> Flags:
        """Which meet their budget, ``(n_budgets, n_samples)``."""
        return self.latency_ms <= self.budgets_ms[:, None]


class Reward(ABC):
    """What architectures earn; more is better.

    Args:
        trade_off: what is searched.
        scale: how budgets are represented.
        rng: the only source of randomness.
    """

    def __init__(
        self,
        trade_off: TradeOff,
        settings: TrainingSettings,
        scale: BudgetScale,
        rng: np.random.Generator,
    ) -> None:
        self.trade_off = trade_off
        self.settings = settings
        self.scale = scale
        self.rng = rng

    @abstractmethod
    def __call__(self, batch: Batch) -> Array:
        """The reward of each architecture: ``(n_budgets, n_samples)``."""

    def prepare(self) -> None:  # noqa: B027  # most rewards have nothing to do
        """Do what is to be done before the first step."""

    def learn(self, batch: Batch) -> None:  # noqa: B027
        """Take in what was sampled in a step."""

    def report(self) -> JsonObject:
        """How well it is learnt, as JSON; empty where nothing is."""
        return {}

    def arrays(self) -> Arrays:
        """What it has learnt, to be saved."""
        return {}

    def load(self, arrays: Arrays) -> None:  # noqa: B027
        """Go on from what was saved."""


class Dominance(Reward):
    """How many of the others of the same budget an architecture dominates, less the converse.

    The rule of Eq. 4 itself, counted over each step's samples: what an evaluator that had learnt
    it without error would say. In shares of the others.
    """

    def __call__(self, batch: Batch) -> Array:
        rule = dominance(batch.top1, batch.latency_ms, batch.budgets_ms)
        counted: Array = rule.sum(-1) / max(1, batch.top1.shape[1] - 1)
        return counted


class MnasNet(Reward):
    """MnasNet's soft multi-objective reward (Tan et al. 2019, Eq. 2-3)."""

    def __call__(self, batch: Batch) -> Array:
        ratio = batch.latency_ms / batch.budgets_ms[:, None]
        reward: Array = batch.top1 / 100 * ratio**MNASNET_EXPONENT
        return reward


class Absolute(Reward):
    """TuNAS's absolute reward (Bender et al. 2020, Sec. 3.1)."""

    def __call__(self, batch: Batch) -> Array:
        ratio = batch.latency_ms / batch.budgets_ms[:, None]
        reward: Array = batch.top1 / 100 + TUNAS_EXPONENT * np.abs(ratio - 1)
        return reward


rewards: Registry[type[Reward]] = Registry(
    "reward",
    {
        "dominance": "search.pnag.rewards:Dominance",
        "learnt": "search.pnag.learnt:LearntDominance",
        "learnt-feasibility": "search.pnag.learnt:LearntFeasibility",
        "mnasnet": "search.pnag.rewards:MnasNet",
        "absolute": "search.pnag.rewards:Absolute",
    },
)
"""Rewards by name."""
