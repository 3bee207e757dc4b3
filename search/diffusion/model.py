"""A trained diffusion over architectures: what draws them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nasprof.typing import Array, Flags
from search.diffusion.conditions import Wish, conditions
from search.diffusion.pool import CostScale
from search.diffusion.predictors import Guidance
from search.diffusion.process import Process
from search.diffusion.settings import DiffusionSettings
from spaces import Genes

AT_ONCE = 1024
"""Architectures that are drawn together; more would not be faster."""


@dataclass(frozen=True)
class Drawn:
    """Architectures that were drawn.

    Args:
        genes: canonical, ``(n, n_genes)``; the nearest architecture where what was drawn is none.
        valid: whether what was drawn is one, ``(n,)``.
    """

    genes: Genes
    valid: Flags


@dataclass(frozen=True)
class Diffusion:
    """Draws architectures.

    Args:
        process: noise over encoded architectures.
        denoiser: the network that takes it away.
        predictor: of normal scores of noisy architectures; None where none was trained.
        names: of the objectives, the merit first.
        scale: of the costs.
        directions: weights of costs, ``(n_directions, n_costs)``.
        settings: how it draws unless told otherwise.
    """

    process: Process
    denoiser: nn.Module
    predictor: nn.Module | None
    names: tuple[str, ...]
    scale: CostScale
    directions: Array
    settings: DiffusionSettings

    def draw(
        self,
        wish: Wish | int,
        rng: np.random.Generator,
        guidance: Guidance | None = None,
        exaggeration: float | None = None,
    ) -> Drawn:
        """One architecture for each wish.

        Args:
            wish: the conditions; a number of architectures without any.
            rng: the only source of randomness.
            guidance: what the way back is bent towards beside that.
            exaggeration: of the conditions, 1 taking them as learnt; the settings' unless given.

        Raises:
            UsageError: guidance names no objective, or there is no predictor to guide.
        """
        n = wish if isinstance(wish, int) else len(wish)
        parts = [np.arange(first, min(first + AT_ONCE, n)) for first in range(0, n, AT_ONCE)]
        genes = [np.zeros((0, self.process.encoding.space.n_genes), np.int8)]
        valid = [np.zeros(0, np.bool_)]
        for rows in parts:
            some = len(rows) if isinstance(wish, int) else wish[rows]
            one = self._draw(some, rows, rng, guidance, exaggeration)
            genes.append(one.genes)
            valid.append(one.valid)
        return Drawn(np.concatenate(genes), np.concatenate(valid))

    def _draw(
        self,
        wish: Wish | int,
        rows: NDArray[np.intp],
        rng: np.random.Generator,
        guidance: Guidance | None,
        exaggeration: float | None,
    ) -> Drawn:
        scale = self.settings.guidance if exaggeration is None else exaggeration
        guide = None if guidance is None else guidance[rows].guide(self.predictor, self.names)
        classes = self.process.draw(
            self._denoise(wish, scale),
            len(rows),
            rng,
            steps=self.settings.draw_steps,
            sampler=self.settings.sampler,
            guide=guide,
        )
        return Drawn(*self.process.encoding.genes(classes))

    def _denoise(self, wish: Wish | int, scale: float):  # type: ignore[no-untyped-def]
        if isinstance(wish, int) or scale == 0:
            return lambda noisy, levels: self.denoiser(noisy, levels)
        told = torch.from_numpy(conditions(wish, self.directions, np.ones(len(wish), np.bool_)))
        if scale == 1:
            return lambda noisy, levels: self.denoiser(noisy, levels, told)
        both = torch.cat([told, torch.zeros_like(told)])

        def exaggerated(noisy: Tensor, levels: Tensor) -> Tensor:
            said = self.denoiser(torch.cat([noisy, noisy]), torch.cat([levels, levels]), both)
            with_it, without = said.chunk(2)
            return without + scale * (with_it - without)

        return exaggerated
