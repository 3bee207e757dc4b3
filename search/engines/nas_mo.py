"""Policy gradient with MnasNet's reward, from scratch for each budget.

Tan et al., "MnasNet: Platform-Aware Neural Architecture Search for Mobile", CVPR 2019: the reward
is Eq. 2 with the soft constraint of Eq. 3, alpha = beta = -0.07. Gradient: Williams, "Simple
statistical gradient-following algorithms", Machine Learning 8, 1992.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nasprof.errors import UsageError
from nasprof.settings import Settings, setting
from nasprof.typing import Array
from search.engines.base.coroutine import CoroutineEngine, Search
from search.problem import Problem
from search.quality.ranking import evaluated
from spaces import Genes

EXPONENT = -0.07


def soft_reward(values: Array, worst: Array, exponent: float = EXPONENT) -> Array:
    """``accuracy * (latency / budget) ** exponent`` of each architecture: ``(n,)``.

    MnasNet's Eq. 2 and 3; with several limits the product of their factors. 0 where nothing is
    known.

    Args:
        values: objectives to be minimised, ``(n, n_objectives)``; the first is the negative of
            what is to be maximised.
        worst: largest allowed value of each, or inf: ``(n_objectives,)``.
    """
    limited = np.isfinite(worst)
    limited[0] = False
    known = evaluated(values)
    ratios = np.where(known[:, None], values[:, limited] / worst[limited], 1.0)
    rewards: Array = np.where(known, -values[:, 0], 0.0) * (ratios**exponent).prod(1)
    return rewards


@dataclass(frozen=True)
class PolicySettings(Settings):
    """Of the policy's steps."""

    batch: int = setting(32, "architectures a step", 1)
    rate: float = setting(0.1, "step of Adam on the logits", 0)
    entropy: float = setting(0.01, "weight of the entropy, in standard deviations of rewards", 0)
    memory: float = setting(0.9, "share of the baseline that a step keeps", 0, 1)


class PolicyEngine(CoroutineEngine):
    """Learns an independent distribution of each gene's choices, which begins at ``first``.

    Genes that are inactive in an architecture contribute neither probability nor entropy.
    """

    settings: PolicySettings = PolicySettings()
    needs_limit: ClassVar[bool] = True
    seeks_best: ClassVar[bool] = True

    def check(self, problem: Problem) -> None:
        super().check(problem)
        if not problem.objectives[0].maximise or (problem.worst[1:] <= 0).any():
            raise UsageError(
                "engine 'nas-mo' needs a first objective to be maximised and positive limits",
                "Take local or evo.",
            )

    def search(self) -> Search:
        choices, memory = self.space.n_choices, self.settings.memory
        possible = np.arange(choices.max()) < choices[:, None]
        logits = np.where(possible, self._leaning(choices.max()), -np.inf)
        adam = _Adam(logits.shape, self.settings.rate)
        baseline, scale = None, None
        while True:
            shares = _softmax(logits)
            genes = self._draw(shares)
            rewards = soft_reward((yield genes), self.worst)
            baseline = _moving(baseline, float(rewards.mean()), memory)
            scale = _moving(scale, float(rewards.std()), memory)
            advantages = (rewards - baseline) / (scale + 1e-9)
            gradient = self._gradient(genes, shares, advantages)
            logits = np.where(possible, logits + adam.step(gradient), -np.inf)

    def _leaning(self, most: int) -> Array:
        """Logits of the choices in ``first``, each counted once more: ``(n_genes, most)``."""
        if len(self.first) == 0:
            return np.zeros((self.space.n_genes, most))
        counts = (self.first[:, :, None] == np.arange(most)).sum(0)
        leaning: Array = np.log(counts + 1.0)
        return leaning

    def _draw(self, shares: Array) -> Genes:
        draws = self.rng.random((self.settings.batch, self.space.n_genes, 1))
        genes = (draws > np.cumsum(shares, 1)).sum(-1)
        return self.space.canonical(np.minimum(genes, self.space.n_choices - 1).astype(np.int8))

    def _gradient(self, genes: Genes, shares: Array, advantages: Array) -> Array:
        """Of the expected advantage and the weighted entropy by the logits, ``shares``'s shape."""
        active = self.space.active(genes)
        chosen = genes[:, :, None] == np.arange(shares.shape[1])
        scores = np.where(active[:, :, None], chosen - shares, 0)
        gradient = np.tensordot(advantages, scores, 1) / len(genes)
        logs = np.log(np.maximum(shares, 1e-12))
        entropies = -(shares * logs).sum(1, keepdims=True)
        uncertainty: Array = -shares * (logs + entropies) * active.mean(0)[:, None]
        return gradient + self.settings.entropy * uncertainty


class _Adam:
    """Steps uphill: Kingma and Ba, ICLR 2015, Algorithm 1."""

    def __init__(self, shape: Sequence[int], rate: float) -> None:
        self.rate = rate
        self.first, self.second, self.count = np.zeros(shape), np.zeros(shape), 0

    def step(self, gradient: Array) -> Array:
        self.count += 1
        self.first += 0.1 * (gradient - self.first)
        self.second += 0.001 * (gradient**2 - self.second)
        first = self.first / (1 - 0.9**self.count)
        second = self.second / (1 - 0.999**self.count)
        return self.rate * first / (np.sqrt(second) + 1e-8)


def _softmax(logits: Array) -> Array:
    powers = np.exp(logits - logits.max(1, keepdims=True))
    shares: Array = powers / powers.sum(1, keepdims=True)
    return shares


def _moving(average: float | None, value: float, memory: float) -> float:
    return value if average is None else memory * average + (1 - memory) * value
