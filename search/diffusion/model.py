"""A trained diffusion over architectures: what samples them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from nasprof.errors import UsageError
from nasprof.typing import Array, Flags, Indices
from search.diffusion.conditions import Condition
from search.diffusion.pool import CostScale
from search.diffusion.predictors import Guidance
from search.diffusion.process import Denoise, Guide, Process
from search.diffusion.settings import DiffusionSettings
from spaces import Genes

AT_ONCE = 1024
"""Architectures that are sampled together, in memory."""


@dataclass(frozen=True)
class Samples:
    """Architectures that were sampled.

    Args:
        genes: canonical, ``(n, n_genes)``; the nearest architecture where a sample is none.
        valid: whether the sample is an architecture, ``(n,)``.
    """

    genes: Genes
    valid: Flags

    @property
    def distinct(self) -> Genes:
        """The valid ones, each once, ``(m, n_genes)``."""
        return np.unique(self.genes[self.valid], axis=0)


@dataclass(frozen=True)
class Diffusion:
    """Samples architectures.

    Args:
        process: noise over encoded architectures.
        denoiser: the network that takes it away.
        predictor: of normal scores of noisy architectures; None where none was trained.
        names: of the objectives, the primary one first.
        scale: of the costs.
        directions: weights of costs, ``(n_directions, n_costs)``.
        settings: how it samples.
    """

    process: Process
    denoiser: nn.Module
    predictor: nn.Module | None
    names: tuple[str, ...]
    scale: CostScale
    directions: Array
    settings: DiffusionSettings

    def with_settings(self, **changes: object) -> Diffusion:
        """The same, sampling otherwise.

        Raises:
            UsageError: there is no such setting, or no such value of it.
        """
        known = self.settings.of({**self.settings.to_dict(), **changes})
        return replace(self, settings=known)

    def sample(
        self,
        condition: Condition | int,
        rng: np.random.Generator,
        guidance: Guidance | None = None,
    ) -> Samples:
        """An architecture for each condition.

        Args:
            condition: what is asked for; a number of architectures without any.
            rng: the only source of randomness.
            guidance: by predictors, beside that.

        Raises:
            UsageError: guidance names no objective, or there is no predictor to guide.
        """
        n = condition if isinstance(condition, int) else len(condition)
        genes = [np.zeros((0, self.process.encoding.space.n_genes), np.int8)]
        valid = [np.zeros(0, np.bool_)]
        for first in range(0, n, AT_ONCE):
            rows = np.arange(first, min(first + AT_ONCE, n))
            some = len(rows) if isinstance(condition, int) else condition[rows]
            classes = self.process.sample(
                self._denoise(some),
                len(rows),
                rng,
                steps=self.settings.sampling_steps,
                sampler=self.settings.sampler,
                guide=self._guide(guidance, rows),
            )
            found, are_valid = self.process.encoding.genes(classes)
            genes.append(found)
            valid.append(are_valid)
        return Samples(np.concatenate(genes), np.concatenate(valid))

    def _guide(self, guidance: Guidance | None, rows: Indices) -> Guide | None:
        if guidance is None:
            return None
        if self.predictor is None:
            raise UsageError(
                "there is no predictor to guide sampling by: it was trained without",
                "Train it with predictor_steps above 0.",
            )
        return guidance[rows].guide(self.predictor, self.names)

    def _denoise(self, condition: Condition | int) -> Denoise:
        scale = self.settings.guidance
        if isinstance(condition, int) or scale == 0:
            return lambda noisy, levels: self._said(noisy, levels, None)
        told = torch.from_numpy(condition.features(self.directions))
        if scale == 1:
            return lambda noisy, levels: self._said(noisy, levels, told)
        both = torch.cat([told, torch.zeros_like(told)])

        def exaggerated(noisy: Tensor, levels: Tensor) -> Tensor:
            said = self._said(torch.cat([noisy, noisy]), torch.cat([levels, levels]), both)
            conditional, unconditional = said.chunk(2)
            return unconditional + scale * (conditional - unconditional)

        return exaggerated

    def _said(self, noisy: Tensor, levels: Tensor, told: Tensor | None) -> Tensor:
        said: Tensor = self.denoiser(noisy, levels, told)
        return said
