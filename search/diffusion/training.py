"""Training a diffusion over the architectures of a space, with expert iteration.

A denoiser learns random architectures with what they cost and how good they are at that cost. Then,
in rounds, it is asked for the best at every cost; what it draws is labelled and learnt as well, the
best more often (expert iteration, Anthony et al. 2017; here without a search: what the denoiser
draws when it is asked for more than most have is its own expert).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import torch
from torch import nn

from nasprof.errors import UsageError
from nasprof.typing import Array
from search.diffusion.conditions import Wish, conditions, drawn, length, wishes_of
from search.diffusion.encodings import encodings
from search.diffusion.gaussian import GaussianProcess
from search.diffusion.learner import Learner
from search.diffusion.model import Diffusion
from search.diffusion.networks import ResidualMlp
from search.diffusion.pool import Pool
from search.diffusion.predictors import normal_scores
from search.diffusion.process import Process, processes
from search.diffusion.settings import DiffusionSettings
from search.diffusion.transformer import RowTransformer
from spaces import Genes, Space

Label: TypeAlias = Callable[[Genes], Array]
"""Genes ``(n, n_genes)`` to objectives to be minimised, the merit first: ``(n, n_objectives)``."""

BEST = 0.9
"""Rank of merit at equal cost from which an architecture is among the best."""
EXPERT = 0.998
"""Rank that is asked for in a round."""


class DiffusionTraining:
    """A diffusion in training.

    Args:
        space: of the architectures.
        names: of the objectives, the merit first.
        label: their values.
        settings: how.
        rng: the only source of randomness.
        first: architectures to learn from beside random ones, ``(n, n_genes)``.
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
        self.process.known_sampler(settings.sampler)
        seeds = rng.integers(2**31, size=2).tolist()
        self.denoiser = Learner(self._denoiser(seeds[0]), settings.learning_rate)
        self.predictor = Learner(self._predictor(seeds[1]), settings.learning_rate)
        genes = space.sample(settings.pool, rng, "biased")
        genes = np.unique(genes if first is None else np.concatenate([first, genes]), axis=0)
        self.pool = Pool.of(genes, label(genes))
        self._learn_pool()

    # --- networks -------------------------------------------------------------------------------

    def _denoiser(self, seed: int) -> nn.Module:
        told = length(len(self.names) - 1)
        rows, classes = self.process.encoding.shape
        size = (self.settings.width, self.settings.blocks)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            if self.settings.network == "transformer":
                return RowTransformer(rows, classes, told, *size)
            return ResidualMlp(rows * classes, rows * classes, told, *size)

    def _predictor(self, seed: int) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return ResidualMlp(self.process.length, len(self.names), 0, self.settings.width, 2)

    # --- learning -------------------------------------------------------------------------------

    def _learn_pool(self) -> None:
        """What is asked of the pool in every step."""
        self._classes = self.process.encoding.classes(self.pool.genes)
        best = (self.pool.advantages > BEST).astype(np.float64)
        focus = self.settings.focus if best.shape[1] > 1 else 1.0
        leaning = focus * best[:, 0] + (1 - focus) * best[:, 1:].sum(1) / max(1, best.shape[1] - 1)
        self._cumulative = np.cumsum(1 + self.settings.elite * leaning * self._expert)
        self._scores = normal_scores(self.pool.values).astype(np.float32)

    @property
    def _expert(self) -> bool:
        """Whether the first training is over, which learns all alike."""
        return self.denoiser.steps >= self.settings.steps

    def _rows(self) -> np.ndarray:
        draws = self.rng.random(self.settings.batch) * self._cumulative[-1]
        rows = np.searchsorted(self._cumulative, draws, side="right")
        return rows.clip(0, len(self.pool) - 1)

    def denoising_step(self, share: float) -> None:
        """One step of the denoiser; ``share`` of its cycle is then over."""
        rows = self._rows()
        n_directions = len(self.pool.directions)
        direction = drawn(len(rows), n_directions, self.rng, self.settings.focus)
        wish = wishes_of(self.pool, rows, direction)
        known = self.rng.random(len(rows)) >= self.settings.dropout
        told = torch.from_numpy(conditions(wish, self.pool.directions, known))
        noisy = self.process.corrupted(self._classes[rows], self.rng)
        said = self.denoiser.network(
            torch.from_numpy(noisy.inputs), torch.from_numpy(noisy.levels), told
        )
        self.denoiser.step(self.process.loss(said, self._classes[rows], noisy), share)

    def predicting_step(self, share: float) -> None:
        """One step of the noisy predictors."""
        rows = self._rows()
        noisy = self.process.corrupted(self._classes[rows], self.rng)
        said = self.predictor.network(
            torch.from_numpy(noisy.inputs), torch.from_numpy(noisy.levels)
        )
        wanted = torch.from_numpy(self._scores[rows])
        self.predictor.step(nn.functional.mse_loss(said, wanted), share)

    def expand(self) -> None:
        """Ask for the best at every cost, label what is drawn, and take it into the pool."""
        settings = self.settings
        wish = Wish.spread(
            settings.drawn, len(self.pool.directions), self.rng, EXPERT, settings.focus
        )
        found = self.model.draw(wish, self.rng)
        genes = found.genes[found.valid]
        self.pool = self.pool.with_those(genes, self.label(genes))
        self._learn_pool()

    @property
    def model(self) -> Diffusion:
        """What draws, as it is now."""
        return Diffusion(
            self.process,
            self.denoiser.average,
            self.predictor.average if self.predictor.steps else None,
            self.names,
            self.pool.scale,
            self.pool.directions,
            self.settings,
        )

    # --- all of it ------------------------------------------------------------------------------

    def run(self) -> Diffusion:
        """Train to the end."""
        settings = self.settings
        for step in range(settings.steps):
            self.denoising_step((step + 1) / settings.steps)
        for _ in range(settings.rounds):
            self.expand()
            for step in range(settings.round_steps):
                self.denoising_step((step + 1) / settings.round_steps)
        for step in range(settings.predictor_steps):
            self.predicting_step((step + 1) / settings.predictor_steps)
        return self.model


def make_process(space: Space, settings: DiffusionSettings) -> Process:
    """The process of those settings over a space's architectures.

    Raises:
        UsageError: there is no such encoding, process or network, or they do not fit.
    """
    if settings.network not in ("mlp", "transformer"):
        raise UsageError(
            f"setting 'network' is {settings.network!r}, expected 'mlp' or 'transformer'"
        )
    encoding = encodings.get(settings.encoding)(space)
    kind = processes.get(settings.process)
    if settings.head == "linear" and issubclass(kind, GaussianProcess):
        return kind(encoding, linear=True)
    return kind(encoding)
