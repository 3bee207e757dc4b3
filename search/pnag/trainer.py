"""One training of a generator: policy gradient on sampled architectures, a step at a time.

Guo et al. 2022, Sec. 3 and Alg. 1, with what is said to be different in
:class:`search.pnag.settings.TrainingSettings`. Everything random comes from one generator, and
everything a training depends on can be saved, so that it goes on exactly where it was left.
"""

from __future__ import annotations

from math import cos, pi
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from nasprof.compiler_cache import no_compiler_cache
from nasprof.reader import Reader
from nasprof.typing import Array, JsonObject
from search.generators.checkpoint import Arrays
from search.generators.elites import Elites
from search.generators.polish import improve
from search.generators.population import Population
from search.model_arrays import ModelArrays
from search.model_tensors import (
    load_module,
    load_optimizer,
    module_arrays,
    optimizer_arrays,
)
from search.objectives.trade_off import TradeOff
from search.pnag.budgets import BudgetScale
from search.pnag.network import PolicyNetwork
from search.pnag.policy import Policy
from search.pnag.rewards import Batch, Reward, rewards
from search.pnag.settings import TrainingSettings
from spaces import Genes

Float32: TypeAlias = NDArray[np.float32]

LOWEST_RATE = 0.05
"""Share of the learning rate, and of imitation, that is left at the end."""
CLIPPED = 1.0
"""Largest norm of a gradient."""
MEMORY = 0.99
"""Of the moving baseline."""


class Trainer:
    """A generator in training.

    Args:
        trade_off: what it learns the front of.
        settings: how.
        seed: of everything random.
    """

    def __init__(self, trade_off: TradeOff, settings: TrainingSettings, seed: int) -> None:
        self.evaluations = 0
        self.trade_off = trade_off.watched(self._count)
        ends = trade_off.extremes
        self.settings = settings
        self.rng = np.random.default_rng(seed)
        self.scale = BudgetScale.spanning(
            ends.min_ms, ends.max_ms, settings.knots, settings.spacing
        )
        first = int(self.rng.integers(2**31))
        self.network = PolicyNetwork(
            trade_off.space, settings.knots, settings.embedding, settings.hidden, first
        )
        with no_compiler_cache():
            self.optimizer = torch.optim.Adam(self.network.parameters(), settings.learning_rate)
        kind = rewards.get(settings.reward)
        self.reward: Reward = kind(self.trade_off, settings, self.scale, self.rng)
        self.elites = Elites.none(trade_off.space)
        self.steps = 0
        self.expected: float | None = None

    @property
    def total(self) -> int:
        """How many steps there are."""
        return self.settings.steps

    @property
    def done(self) -> bool:
        """Whether all steps were taken."""
        return self.steps >= self.total

    @property
    def policy(self) -> Policy:
        """The policy as it is now."""
        return self.network.policy()

    def _count(self, genes: Genes) -> None:
        self.evaluations += len(genes)

    def step(self) -> None:
        """Sample, judge, and move the policy towards what was better than expected."""
        if self.steps == 0:
            self.reward.prepare()
        budgets_ms = self.settings.trained(self.scale, self.settings.groups, self.rng)
        weights = self.scale.weights(np.repeat(budgets_ms, self.settings.samples))
        batch = self._sample(budgets_ms, weights)
        self.reward.learn(batch)
        if self.settings.refine and self.steps % self.settings.refine == 0:
            self._refine(batch)
        self._move(batch, self._advantages(batch), weights)
        self.steps += 1

    # --- what a step consists of --------------------------------------------------------------

    def _sample(self, budgets_ms: Array, weights: Float32) -> Batch:
        genes = self.policy.sample(weights, self.rng)
        population = Population.evaluated(self.trade_off, genes)
        self.elites = self.elites.with_those_of(population)
        shape = (len(budgets_ms), self.settings.samples)
        values = population.top1.reshape(shape), population.latency_ms.reshape(shape)
        return Batch(genes.reshape(*shape, -1), *values, budgets_ms)

    def _refine(self, batch: Batch) -> None:
        """Improve the best within each budget, of all steps and of this one, by exchanges."""
        best = np.where(batch.feasible, batch.top1, -np.inf).argmax(1)
        rows = np.arange(len(best))
        own = batch.feasible[rows, best]
        genes, has = self.elites.for_budgets(batch.budgets_ms)
        starts = np.concatenate([genes, batch.genes[rows, best][own]])
        limits_ms = np.concatenate([batch.budgets_ms[has], batch.budgets_ms[own]])
        start = Population.evaluated(self.trade_off, starts)
        self.elites = self.elites.with_those_of(improve(self.trade_off, start, limits_ms))

    def _advantages(self, batch: Batch) -> Array:
        """How much better than expected each architecture is: ``(n_budgets, n_samples)``."""
        reward = self.reward(batch)
        if self.settings.baseline == "group":
            spread = reward.std(1, keepdims=True)
            advantage = (reward - reward.mean(1, keepdims=True)) / np.maximum(spread, 1e-9)
        else:
            mean = float(reward.mean())
            before = mean if self.expected is None else self.expected
            self.expected = MEMORY * before + (1 - MEMORY) * mean
            advantage = reward - self.expected
        worse = ~batch.feasible & (advantage < 0)
        scaled: Array = np.where(worse, self.settings.overshoot, 1.0) * advantage
        return scaled

    def _move(self, batch: Batch, advantages: Array, weights: Float32) -> None:
        """One step of Adam on the policy gradient, the entropy and what is imitated."""
        share = self.steps / self.settings.steps
        settings = self.settings
        for group in self.optimizer.param_groups:
            fall = (1 + cos(pi * share)) / 2
            group["lr"] = settings.learning_rate * (LOWEST_RATE + (1 - LOWEST_RATE) * fall)
        flat = batch.genes.reshape(-1, batch.genes.shape[-1])
        elites, models = self._imitated(batch)
        logs, entropy = self.network(
            np.concatenate([flat, elites]), np.concatenate([weights, models])
        )
        n = len(flat)
        gain = torch.from_numpy(advantages.ravel().astype(np.float32))
        loss = -(gain * logs[:n]).mean() - self._entropy_weight(share) * entropy[:n].mean()
        if len(elites):
            fading = 1.0 if share < settings.imitated else LOWEST_RATE
            loss = loss - settings.imitation * fading * logs[n:].mean()
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), CLIPPED)
        self.optimizer.step()

    def _imitated(self, batch: Batch) -> tuple[Genes, Float32]:
        """The best within each budget and that budget's representation, if any are imitated."""
        genes, has = self.elites.for_budgets(batch.budgets_ms)
        weights = self.scale.weights(batch.budgets_ms[has])
        return (genes, weights) if self.settings.imitation else (genes[:0], weights[:0])

    def _entropy_weight(self, share: float) -> float:
        first, last = self.settings.entropy, self.settings.final_entropy
        return first * (last / first) ** share if first and last else first * (1 - share)

    # --- saving ---------------------------------------------------------------------------------

    def state(self) -> tuple[JsonObject, Arrays]:
        """Everything needed to go on exactly here: JSON values, and arrays by name."""
        about = {
            "steps": self.steps,
            "evaluations": self.evaluations,
            "expected": self.expected,
            "rng": self.rng.bit_generator.state,
        }
        arrays = {
            **module_arrays("policy", self.network),
            **optimizer_arrays("policy-optimizer", self.optimizer),
            "elites": self.elites.genes,
            "elites-top1": self.elites.top1,
            "elites-latency_ms": self.elites.latency_ms,
            **{f"reward/{name}": array for name, array in self.reward.arrays().items()},
        }
        return about, arrays

    def load_state(self, about: JsonObject, arrays: Arrays) -> None:
        """Go on where the state was taken, of a training with the same models and settings.

        Raises:
            UsageError: naming what is missing or is no such state.
        """
        state = Reader(about, "state")
        steps = int(state.within("steps", 0, self.settings.steps))
        evaluations = state.take("evaluations", "a whole number")
        expected = state.take("expected", "a number or null")
        generator = state.take("rng", "an object")
        load_module("policy", self.network, arrays)
        load_optimizer("policy-optimizer", self.optimizer, arrays)
        learnt = {name: array for name, array in arrays.items() if name.startswith("reward/")}
        self.reward.load({name.removeprefix("reward/"): array for name, array in learnt.items()})
        # Not predicted anew: in other company the same network's last digit may be another.
        space = self.trade_off.space
        kept = ModelArrays({}, arrays)
        genes = kept.array("elites", np.int8, (None, space.n_genes))
        values = (
            kept.array(f"elites-{name}", np.float64, (len(genes),))
            for name in ("top1", "latency_ms")
        )
        self.elites = Elites(space.checked(genes), *values)
        # Last, for what is loaded above may evaluate, too.
        self.steps, self.evaluations, self.expected = steps, evaluations, expected
        self.rng.bit_generator.state = generator
