"""One training of a POMONAG generator, a step at a time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nasprof.typing import Array, JsonObject
from search.diffusion.conditions import Condition
from search.diffusion.model import Diffusion
from search.diffusion.training import DiffusionTraining, Label
from search.engines.base.surrogate import Surrogates
from search.model_arrays import StateArrays
from search.objectives.trade_off import TradeOff
from search.pomonag.generator import LATENCY, PomonagGenerator, TrainingData
from search.pomonag.objectives import problem_for
from search.pomonag.settings import PomonagSettings
from search.problem import Problem
from search.quality.indicators import non_dominated
from spaces import Genes
from spaces.distinct import sample_distinct

EXCESS_SAMPLES, EXCESS_POINTS = 2048, 9
"""Samples that tell how near to what was asked for they are, and shares at which that is told."""
PREDICTOR = "gp-copula"
"""Of clean architectures."""


class Trainer:
    """A generator in training.

    Args:
        trade_off: what it learns the front of.
        settings: how.
        seed: of everything random.

    Raises:
        UsageError: objectives or settings do not fit.
    """

    def __init__(self, trade_off: TradeOff, settings: PomonagSettings, seed: int) -> None:
        self.evaluations = 0
        self.trade_off = trade_off.watched(self._count)
        self.settings = settings
        rng, self.calibrating = np.random.default_rng(seed).spawn(2)
        problem, ends = problem_for(self.trade_off, settings.names), trade_off.extremes
        self.measured = sample_distinct(trade_off.space, settings.measured, rng, "biased")
        values = problem.values(self.measured)
        self.measured_top1: Array = -values[:, 0]
        label: Label = problem.values
        if settings.measured:
            label = clean_predictor(problem, self.measured, self.measured_top1)
        self.training = DiffusionTraining(
            trade_off.space,
            tuple(objective.name for objective in problem.objectives),
            label,
            settings,
            rng,
            # The range of costs ends at the networks that end it, which are hardly ever drawn.
            np.concatenate([self.measured, ends.fastest[None], ends.slowest[None]]),
        )
        self.random = self.training.pool.genes

    def _count(self, genes: Genes) -> None:
        self.evaluations += len(genes)

    @property
    def steps(self) -> int:
        """How many steps were taken."""
        return self.training.steps

    @property
    def total(self) -> int:
        """How many there are."""
        return self.training.total

    def step(self) -> None:
        """Take one."""
        self.training.step()

    def generator(self, provenance: JsonObject) -> PomonagGenerator:
        """What has learnt so far."""
        pool, ends, model = self.training.pool, self.trade_off.extremes, self.training.model
        settings = self.settings
        asked = model.with_settings(guidance=settings.budget_guidance)
        excess = cost_excess(asked, self.training.label, settings.within, self.calibrating)
        elites = pool.genes[non_dominated(pool.values[:, :2])]
        return PomonagGenerator(
            model,
            TrainingData(self.random, elites, self.measured, self.measured_top1),
            self.settings,
            np.array([ends.min_ms, ends.max_ms]),
            excess,
            {**provenance, "evaluations": self.evaluations},
        )

    def state(self) -> tuple[JsonObject, StateArrays]:
        """Everything needed to go on exactly here: JSON values, and arrays by name."""
        about, arrays = self.training.state()
        return {**about, "evaluations": self.evaluations}, arrays

    def load_state(self, about: JsonObject, arrays: StateArrays) -> None:
        """Go on where the state was taken, of a training with the same models and settings.

        Raises:
            UsageError: naming what is missing or is no such state.
        """
        self.training.load_state(about, arrays)
        self.evaluations = int(about["evaluations"])


def cost_excess(
    diffusion: Diffusion, label: Label, within: float, rng: np.random.Generator
) -> Array:
    """By how much samples exceed the cost they were asked for: ``(EXCESS_POINTS,)``.

    Args:
        label: objectives of architectures, the primary one first.
        within: the quantile; so many samples exceed it by less.

    Returns:
        Shares of the range of the first cost, at evenly spaced shares.
    """
    asked = (np.arange(EXCESS_SAMPLES) + rng.random(EXCESS_SAMPLES)) / EXCESS_SAMPLES
    found = diffusion.sample(Condition.at(asked, diffusion.settings.advantage), rng)
    reached = diffusion.scale.shares(label(found.genes)[:, 1:])[:, LATENCY]
    nearest = np.rint(asked * (EXCESS_POINTS - 1)).astype(int)
    return np.array(
        [np.quantile((reached - asked)[nearest == point], within) for point in range(EXCESS_POINTS)]
    )


def clean_predictor(problem: Problem, genes: Genes, top1: Array) -> Label:
    """Predicts accuracy from some of it, and asks for what is computed.

    Args:
        genes: whose accuracy is known, ``(n, n_genes)``.
        top1: in percent, ``(n,)``.
    """
    first, *others = problem.objectives
    partly = replace(problem, objectives=(first, *(replace(one, free=True) for one in others)))
    surrogates = Surrogates(partly, None, PREDICTOR)
    values = np.zeros((len(genes), len(partly.objectives)))
    values[:, 0] = -top1
    surrogates.fit(genes, values)
    return surrogates
