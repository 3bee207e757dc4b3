"""Policy gradient with MnasNet's reward, from scratch for each budget.

Tan et al., "MnasNet: Platform-Aware Neural Architecture Search for Mobile", CVPR 2019: the reward
is Eq. 2 with the soft constraint of Eq. 3, alpha = beta = -0.07. Gradient: Williams, "Simple
statistical gradient-following algorithms", Machine Learning 8, 1992.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from nasprof.errors import UsageError
from search.engines.base.coroutine import CoroutineEngine, Search
from search.problem import Problem
from search.quality.ranking import evaluated
from spaces import Genes, Space

Array = NDArray[np.float64]

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


class PolicyEngine(CoroutineEngine):
    """Learns an independent distribution of each gene's choices.

    Genes that are inactive in an architecture contribute neither probability nor entropy.

    Args:
        worst: largest allowed value of each objective, or inf: ``(n_objectives,)``.
        batch: architectures a step.
        rate: step of Adam on the logits.
        entropy: weight of the entropy, in units of the standard deviation of rewards.
        memory: share of the baseline that a step keeps.
        first: architectures whose choices it begins with ``(n, n_genes)``.
    """

    needs_limit: ClassVar[bool] = True
    seeks_best: ClassVar[bool] = True

    def __init__(
        self,
        space: Space,
        rng: np.random.Generator,
        worst: Array,
        *,
        batch: int = 32,
        rate: float = 0.1,
        entropy: float = 0.01,
        memory: float = 0.9,
        first: Genes | None = None,
    ) -> None:
        self.batch, self.rate, self.entropy, self.memory = batch, rate, entropy, memory
        super().__init__(space, rng, worst, first=first)

    @classmethod
    def _of(
        cls, problem: Problem, rng: np.random.Generator, first: Genes | None, **settings: Any
    ) -> Self:
        if not problem.objectives[0].maximise or (problem.worst[1:] <= 0).any():
            raise UsageError(
                "engine 'nas-mo' needs a first objective to be maximised and positive limits",
                "Take local or evo.",
            )
        return cls(problem.space, rng, problem.worst, first=first, **settings)

    def search(self) -> Search:
        choices = self.space.n_choices
        possible = np.arange(choices.max()) < choices[:, None]
        logits = np.where(possible, self._leaning(choices.max()), -np.inf)
        adam = _Adam(logits.shape, self.rate)
        baseline, scale = None, None
        while True:
            shares = _softmax(logits)
            genes = self._draw(shares)
            rewards = soft_reward((yield genes), self.worst)
            baseline = _moving(baseline, float(rewards.mean()), self.memory)
            scale = _moving(scale, float(rewards.std()), self.memory)
            advantages = (rewards - baseline) / (scale + 1e-9)
            gradient = self._gradient(genes, shares, advantages)
            logits = np.where(possible, logits + adam.step(gradient), -np.inf)

    def _leaning(self, most: int) -> Array:
        """Logits of the choices in ``first``, each counted once more: ``(n_genes, most)``."""
        if len(self.first) == 0:
            return np.zeros((self.space.n_genes, most))
        counts = (self.space.canonical(self.first)[:, :, None] == np.arange(most)).sum(0)
        leaning: Array = np.log(counts + 1.0)
        return leaning

    def _draw(self, shares: Array) -> Genes:
        draws = self.rng.random((self.batch, self.space.n_genes, 1))
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
        return gradient + self.entropy * uncertainty


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
