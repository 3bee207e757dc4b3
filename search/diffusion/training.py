"""Training a diffusion over the architectures of a space, with expert iteration.

A denoiser learns random architectures with what they cost and how good they are at that cost. Then,
in rounds, it is asked for the best at every cost; what it samples is labelled and learnt as well,
the best more often (expert iteration, Anthony et al. 2017; the expert is the denoiser itself, asked
for more than most have). Predictors of noisy architectures learn last, from all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import torch
from torch import nn

from nasprof.errors import UsageError
from nasprof.reader import Reader
from nasprof.typing import Array, Indices, JsonObject
from search.diffusion.build import make_learners, make_process
from search.diffusion.conditions import Condition, conditions_of, random_directions
from search.diffusion.model import Diffusion
from search.diffusion.pool import LEAST, CostScale, Pool
from search.diffusion.settings import DiffusionSettings
from search.model_arrays import ModelArrays, StateArrays
from search.regression.normal_scores import normal_scores
from spaces import Genes, Space

Label: TypeAlias = Callable[[Genes], Array]
"""Genes ``(n, n_genes)`` to objectives to be minimised, the primary one first: ``(n, k)``."""

BEST = 0.9
"""Rank at equal cost from which an architecture is among the best."""
EXPERT_ADVANTAGE, EXPERT_GUIDANCE = 0.998, 1.5
"""What is asked for in a round, and how much it is exaggerated."""


class DiffusionTraining:
    """A diffusion in training.

    Args:
        space: of the architectures.
        names: of the objectives, the primary one first.
        label: their values.
        settings: how.
        rng: the only source of randomness.
        first: architectures to learn from beside random ones, ``(n, n_genes)``.

    Raises:
        UsageError: settings do not fit, or the space has next to no architectures.
    """

    def __init__(
        self,
        space: Space,
        names: tuple[str, ...],
        label: Label,
        settings: DiffusionSettings,
        rng: np.random.Generator,
        first: Genes | None = None,
    ) -> None:
        self.space, self.names, self.label = space, names, label
        self.settings, self.rng = settings, rng
        self.process = make_process(space, settings)
        seeds = rng.integers(2**31, size=2).tolist()
        self.denoiser, self.predictor = make_learners(
            self.process, len(names), settings, (seeds[0], seeds[1])
        )
        genes = space.sample(settings.pool, rng, "biased")
        genes = np.unique(genes if first is None else np.concatenate([first, genes]), axis=0)
        self.steps = 0
        self._take(Pool.of(genes, _finite(label(genes))))

    @property
    def total(self) -> int:
        """Steps of the whole training."""
        settings = self.settings
        rounds = settings.rounds * settings.round_steps
        return settings.steps + rounds + settings.predictor_steps

    def step(self) -> None:
        """The next step: of the first training, of a round, or of the predictors.

        Raises:
            NasprofError: the training broke down.
            UsageError: the objectives gave values that are no numbers.
        """
        settings, step = self.settings, self.steps
        in_rounds, to_predictor = step - settings.steps, step - self.total
        if to_predictor >= -settings.predictor_steps:
            if settings.predictor_steps:
                done = settings.predictor_steps + to_predictor + 1
                self.predicting_step(done / settings.predictor_steps)
        elif in_rounds >= 0:
            if in_rounds % settings.round_steps == 0:
                self.expand()
            self.denoising_step((in_rounds % settings.round_steps + 1) / settings.round_steps)
        else:
            self.denoising_step((step + 1) / settings.steps)
        self.steps += 1

    def run(self) -> Diffusion:
        """Take all steps that are left."""
        while self.steps < self.total:
            self.step()
        return self.model

    def again(self, label: Label, first: Genes) -> Diffusion:
        """Go on by one round with other labels of the same objectives.

        Args:
            first: architectures to learn from as well, ``(n, n_genes)``.
        """
        self.label = label
        genes = np.unique(np.concatenate([self.pool.genes, first]), axis=0)
        self._take(Pool(genes, _finite(label(genes)), self.pool.scale))
        self.expand()
        for step in range(self.settings.round_steps):
            self.denoising_step((step + 1) / self.settings.round_steps)
        return self.model

    @property
    def model(self) -> Diffusion:
        """What samples, as it is now."""
        return Diffusion(
            self.process,
            self.denoiser.average,
            self.predictor.average if self.predictor.steps else None,
            self.names,
            self.pool.scale,
            self.pool.directions,
            self.settings,
        )

    # --- what steps consist of ------------------------------------------------------------------

    def _take(self, pool: Pool) -> None:
        """Learn from that pool from now on."""
        if len(pool) < LEAST:
            raise UsageError(
                f"{self.space.label} has {len(pool)} architectures to learn from, expected at "
                f"least {LEAST}",
                "Evaluate them all, or take another engine: random.",
            )
        self.pool = pool
        self._classes = self.process.encoding.classes(pool.genes)
        best = (pool.advantages > BEST).astype(np.float64)
        focus = self.settings.focus if best.shape[1] > 1 else 1.0
        among = focus * best[:, 0] + (1 - focus) * best[:, 1:].sum(1) / max(1, best.shape[1] - 1)
        # The first training learns all alike.
        elite = self.settings.elite if self.denoiser.steps >= self.settings.steps else 0.0
        self._cumulative = np.cumsum(1 + elite * among)
        self._scores = normal_scores(pool.values).astype(np.float32)

    def _rows(self) -> Indices:
        draws = self.rng.random(self.settings.batch) * self._cumulative[-1]
        rows = np.searchsorted(self._cumulative, draws, side="right")
        clipped: Indices = rows.clip(0, len(self.pool) - 1)
        return clipped

    def denoising_step(self, share: float) -> None:
        """One step of the denoiser; ``share`` of its cycle is then over."""
        rows, settings = self._rows(), self.settings
        direction = random_directions(
            len(rows), len(self.pool.directions), settings.focus, self.rng
        )
        known = self.rng.random(len(rows)) >= settings.dropout
        told = conditions_of(self.pool, rows, direction).features(self.pool.directions, known)
        noisy = self.process.corrupted(self._classes[rows], self.rng)
        said = self.denoiser.network(
            torch.from_numpy(noisy.inputs), torch.from_numpy(noisy.levels), torch.from_numpy(told)
        )
        self.denoiser.step(self.process.loss(said, self._classes[rows], noisy), share)

    def predicting_step(self, share: float) -> None:
        """One step of the noisy predictors."""
        rows = self._rows()
        noisy = self.process.corrupted(self._classes[rows], self.rng)
        said = self.predictor.network(
            torch.from_numpy(noisy.inputs), torch.from_numpy(noisy.levels)
        )
        scores = torch.from_numpy(self._scores[rows])
        self.predictor.step(nn.functional.mse_loss(said, scores), share)

    def expand(self) -> None:
        """Ask for the best at every cost, label what is sampled, and take it into the pool."""
        settings = self.settings
        condition = Condition.spread(
            settings.samples,
            len(self.pool.directions),
            EXPERT_ADVANTAGE,
            settings.focus,
            self.rng,
        )
        expert = self.model.with_settings(guidance=EXPERT_GUIDANCE)
        genes = expert.sample(condition, self.rng).distinct
        self._take(self.pool.with_those(genes, _finite(self.label(genes))))

    # --- saving ---------------------------------------------------------------------------------

    def state(self) -> tuple[JsonObject, StateArrays]:
        """Everything needed to go on exactly here: JSON values, and arrays by name."""
        about = {
            "steps": self.steps,
            "denoiser": self.denoiser.steps,
            "predictor": self.predictor.steps,
            "rng": self.rng.bit_generator.state,
        }
        arrays = {
            **self.denoiser.arrays("denoiser"),
            **self.predictor.arrays("predictor"),
            **pool_arrays(self.pool),
        }
        return about, arrays

    def load_state(self, about: JsonObject, arrays: StateArrays) -> None:
        """Go on where the state was taken, of a training with the same settings.

        Raises:
            UsageError: naming what is missing or is no such state.
        """
        state = Reader(about, "state")
        steps = int(state.within("steps", 0, self.total))
        generator = state.take("rng", "an object")
        for name, learner in (("denoiser", self.denoiser), ("predictor", self.predictor)):
            learner.load(name, arrays, int(state.within(name, 0, 10**9)))
        self._take(read_pool(ModelArrays({}, arrays), self.space, len(self.names)))
        self.steps = steps
        self.rng.bit_generator.state = generator


def pool_arrays(pool: Pool) -> StateArrays:
    """A pool as a file holds it."""
    return {"pool": pool.genes, "pool-values": pool.values, **scale_arrays(pool.scale)}


def read_pool(stored: ModelArrays, space: Space, n_objectives: int) -> Pool:
    """The pool in a file.

    Raises:
        UsageError: naming what is missing or is no such pool.
    """
    genes = space.checked(stored.array("pool", np.int8, (None, space.n_genes)))
    values = stored.array("pool-values", np.float64, (len(genes), n_objectives))
    return Pool(genes, values, read_scale(stored, n_objectives - 1))


def scale_arrays(scale: CostScale) -> StateArrays:
    """A scale of costs as a file holds it."""
    logs = scale.logs.astype(np.int8)
    return {"cost-low": scale.low, "cost-high": scale.high, "cost-logs": logs}


def read_scale(stored: ModelArrays, n_costs: int) -> CostScale:
    """The scale of costs in a file.

    Raises:
        UsageError: naming what is missing or is no such scale.
    """
    low, high = (stored.array(f"cost-{end}", np.float64, (n_costs,)) for end in ("low", "high"))
    return CostScale(low, high, stored.array("cost-logs", np.int8, (n_costs,)) != 0)


def _finite(values: Array) -> Array:
    """``values`` if they are all numbers.

    Raises:
        UsageError: some are not.
    """
    wrong = ~np.isfinite(values)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise UsageError(
            f"objective {column} of an architecture is {values[row, column]}, expected a number"
        )
    return values
