"""Masked diffusion: noise hides rows, the way back reveals them.

Austin et al., "Structured Denoising Diffusion Models in Discrete State-Spaces", NeurIPS 2021,
Sec. 3.1 (absorbing state), with the continuous time of Sahoo et al., "Simple and Effective Masked
Diffusion Language Models", NeurIPS 2024.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from nasprof.errors import UsageError
from search.diffusion.encodings import Encoding
from search.diffusion.process import Classes, Denoise, Guide, Noisy, Process


class MaskedProcess(Process):
    """Hides each row with the probability that its level says.

    Rows that are seen are -1 and 1, hidden ones 0.

    Raises:
        UsageError: rows of the encoding may be empty.
    """

    samplers: ClassVar[Mapping[str, str]] = {
        "ancestral": "rows in random order, those of a step at once (Sahoo et al. 2024, Sec. 3.2)",
    }

    def __init__(self, encoding: Encoding) -> None:
        if encoding.empty_rows:
            raise UsageError(
                "masked diffusion needs a class in each row, and the encoding has rows without",
                "Take encoding 'genes', or process 'gaussian'.",
            )
        super().__init__(encoding)
        self._entries = 2 * np.eye(encoding.shape[1], dtype=np.float32) - 1

    def _corrupted(
        self, classes: Classes, levels: NDArray[np.float32], rng: np.random.Generator
    ) -> Noisy:
        hidden = rng.random(classes.shape) < levels[:, None]
        return Noisy(self._inputs(classes, hidden), levels, hidden)

    def _inputs(self, classes: Classes, hidden: NDArray[np.bool_]) -> NDArray[np.float32]:
        seen = self._entries[classes] * ~hidden[:, :, None]
        return seen.reshape(len(classes), -1)

    def loss(self, said: Tensor, classes: Classes, noisy: Noisy) -> Tensor:
        hidden = torch.from_numpy(noisy.hidden)
        truth = torch.from_numpy(classes)[hidden]
        if len(truth) == 0:
            nothing: Tensor = said.sum() * 0
            return nothing
        return functional.cross_entropy(self._barring(said)[hidden], truth)

    def sample(
        self,
        denoise: Denoise,
        n: int,
        rng: np.random.Generator,
        *,
        steps: int,
        sampler: str,
        guide: Guide | None = None,
    ) -> Classes:
        self.known_sampler(sampler)
        rows = self.encoding.shape[0]
        classes, hidden = np.zeros((n, rows), np.int64), np.ones((n, rows), np.bool_)
        # Ranks instead of independent times: as few rows as can be are drawn at once.
        revealed = np.argsort(rng.random((n, rows)), 1).argsort(1)
        for step in range(steps):
            inputs = torch.from_numpy(self._inputs(classes, hidden))
            levels = torch.full((n,), 1 - step / steps)
            with torch.no_grad():
                said = denoise(inputs, levels)
            if guide is not None:
                # What a class adds is its gradient times the step from hidden (0) to seen.
                said = said + 2 * guide(inputs, levels)
            now = hidden & (revealed < np.ceil(rows * (step + 1) / steps))
            classes[now] = _drawn(self._barring(said).numpy()[now], rng)
            hidden &= ~now
        return classes


def _drawn(logits: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.int64]:
    """One class a row of logits ``(n, classes)``."""
    shares = np.exp(logits - logits.max(1, keepdims=True)).cumsum(1)
    drawn: NDArray[np.int64] = (rng.random((len(logits), 1)) * shares[:, -1:] > shares[:, :-1]).sum(
        1, dtype=np.int64
    )
    return drawn
