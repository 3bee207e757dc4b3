"""POMONAG in rounds: predictors learn, a diffusion learns from these, what it samples is evaluated.

Lomurno et al., "POMONAG: Pareto-Optimal Many-Objective Neural Architecture Generator", 2024. There
a generator is trained once; here predictors and diffusion go on learning from what was evaluated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from nasprof.settings import setting
from nasprof.threads import one_torch_thread
from nasprof.typing import Array, Indices
from search.diffusion.conditions import Condition
from search.diffusion.pool import primary_first
from search.diffusion.settings import DiffusionSettings
from search.engines.base.coroutine import Search
from search.engines.base.population import first_population, fronts, spread_survivors
from search.engines.base.selection import most_promising
from search.engines.base.surrogate import (
    PredictingEngine,
    PredictingSettings,
    Surrogates,
    unknown,
)
from search.problem import Problem
from spaces import Genes
from spaces.distinct import sample_distinct
from spaces.neighbours import mutant

if TYPE_CHECKING:
    from search.diffusion.model import Diffusion
    from search.diffusion.training import DiffusionTraining

SMALLEST = 100
"""Architectures of a space from which on there is something for a diffusion to learn."""


@dataclass(frozen=True)
class PomonagSettings(PredictingSettings):
    """Of the rounds, and of the diffusion that learns in each; ``benchmarks/pomonag.py engine``."""

    initial: int = setting(100, "random architectures that it begins with", 1)
    population: int = setting(80, "architectures that are evaluated a round", 1)
    process: Literal["gaussian", "masked"] = setting("gaussian", "what noise is")
    width: int = setting(128, "of hidden layers", 8, 4096)
    pool: int = setting(10_000, "random architectures that the diffusion learns from", 100, 10**6)
    steps: int = setting(1000, "of its training in the first round", 1, 10**6)
    round_steps: int = setting(150, "of its training in each later round", 1, 10**6)
    samples: int = setting(500, "architectures that it samples in a round, twice", 1, 10**6)
    mutants: int = setting(3000, "changes of one gene of the best, looked at beside", 0, 10**6)
    advantage: float = setting(0.99, "rank at equal cost that is asked for", 0, 1)

    def of_diffusion(self) -> DiffusionSettings:
        """Those of the diffusion, which has no predictors of noisy architectures here."""
        return DiffusionSettings(
            process=self.process,
            width=self.width,
            pool=self.pool,
            steps=self.steps,
            rounds=0,
            round_steps=self.round_steps,
            samples=self.samples,
            advantage=self.advantage,
            predictor_steps=0,
        )


class PomonagEngine(PredictingEngine):
    """Evaluates what a diffusion samples, where predictions of it promise most."""

    settings: PomonagSettings = PomonagSettings()
    default_predictor: ClassVar[str] = "gp-copula"
    evaluations: ClassVar[int] = 500

    def search(self) -> Search:
        predict = self._surrogates(self.problem, int(self.rng.integers(2**31)))
        proposals = Proposals(self.problem, self.settings.of_diffusion(), self.rng)
        genes = first_population(self.space, self.rng, self.settings.initial, self.first)
        values = yield genes
        while True:
            chosen = self._next(proposals, predict, genes, values)
            if len(chosen) == 0:
                return
            values = np.concatenate([values, (yield chosen)])
            genes = np.concatenate([genes, chosen])

    def _next(
        self, proposals: Proposals, predict: Surrogates, genes: Genes, values: Array
    ) -> Genes:
        """Of what the diffusion proposes the best; random ones where too little is known."""
        chosen = genes[:0]
        if self.space.size >= SMALLEST and predict.fit(genes, values):
            near = self._near(genes[fronts(values, self.worst, 1)[0]])
            candidates, predicted = proposals(predict, genes, near)
            chosen = candidates[self._best(predicted, values)]
        seen = {row.tobytes() for row in np.concatenate([genes, chosen])}
        missing = self.settings.population - len(chosen)
        drawn = sample_distinct(self.space, missing, self.rng, "biased", seen)
        return np.concatenate([chosen, drawn])

    def _near(self, parents: Genes) -> Genes:
        """Changes of one gene of ``parents``, which are looked at beside what is sampled."""
        rows = self.rng.integers(len(parents), size=self.settings.mutants)
        near = [mutant(self.space, parents[row], self.rng) for row in rows]
        return np.array(near, np.int8).reshape(-1, self.space.n_genes)

    def _best(self, predicted: Array, values: Array) -> Indices:
        """Rows of a round: what should add most to the front, then what is spread over its own."""
        n = self.settings.population
        rows = most_promising(predicted, values, self.worst, n)
        others = np.setdiff1d(np.arange(len(predicted)), rows)
        if len(rows) == n or len(others) == 0:
            return rows
        more = spread_survivors(predicted[others], self.worst, n - len(rows), self.rng)
        return np.concatenate([rows, others[more]])


@dataclass
class Proposals:
    """A diffusion that learns on whenever it is asked for architectures.

    Args:
        problem: which they are to solve.
        settings: of the diffusion.
        rng: the only source of randomness.
    """

    problem: Problem
    settings: DiffusionSettings
    rng: np.random.Generator
    training: DiffusionTraining | None = field(init=False, default=None)

    def __call__(self, predict: Surrogates, evaluated: Genes, others: Genes) -> tuple[Genes, Array]:
        """Architectures that were not evaluated yet, and what is predicted of them.

        Args:
            predict: fitted to what was evaluated.
            evaluated: ``(m, n_genes)``.
            others: that are proposed beside what is sampled, ``(k, n_genes)``.

        Returns:
            ``(n, n_genes)``, and to be minimised ``(n, n_objectives)``.

        Raises:
            NasprofError: torch is not installed, or the training broke down.
        """
        order = primary_first(self.problem)

        def label(genes: Genes) -> Array:
            return _numbers(predict(genes)[:, order])

        with one_torch_thread():
            training, model = self._learnt(label, evaluated)
            samples = model.sample(self.condition(model), self.rng).distinct
        both = np.concatenate([samples, others])
        pool = training.pool.with_those(both, label(both))
        new = unknown(pool.genes, evaluated)
        return pool.genes[new], pool.values[new][:, np.argsort(order)]

    def _learnt(
        self, label: Callable[[Genes], Array], evaluated: Genes
    ) -> tuple[DiffusionTraining, Diffusion]:
        """The training and its model, after a round more of learning what ``label`` says."""
        from search.diffusion.training import DiffusionTraining

        if self.training is not None:
            return self.training, self.training.again(label, evaluated)
        objectives = self.problem.objectives
        names = tuple(objectives[column].name for column in primary_first(self.problem))
        self.training = DiffusionTraining(
            self.problem.space, names, label, self.settings, self.rng, evaluated
        )
        return self.training, self.training.run()

    def condition(self, model: Diffusion) -> Condition:
        """Every cost within the limits, in every direction."""
        settings, directions = model.settings, model.directions
        condition = Condition.spread(
            settings.samples, len(directions), settings.advantage, settings.focus, self.rng
        )
        costs = primary_first(self.problem)[1:]
        most = directions @ model.scale.shares(self.problem.worst[costs])
        return replace(condition, cost=condition.cost * most[condition.direction])


def _numbers(values: Array) -> Array:
    """``values``, with the largest of its column in the place of what is no number."""
    known = np.isfinite(values)
    largest = np.where(known, values, -np.inf).max(0, initial=-np.inf)
    return np.where(known, values, np.where(np.isfinite(largest), largest, 0.0))
