"""Gaussian diffusion of one-hot rows: the variance-exploding SDE.

Song et al., "Score-Based Generative Modeling through Stochastic Differential Equations", ICLR
2021, Sec. 3.4, as An et al. use it for architectures ("DiffusionNAG", ICLR 2024, Sec. 3.1). Noise
levels are spaced after Karras et al. 2022, Eq. 5. What the network says of a row are logits: the
expected row is then always one that there could be, which the published linear output is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from search.diffusion.encodings import EMPTY, Encoding
from search.diffusion.process import Classes, Denoise, Guide, Noisy, Process
from search.diffusion.samplers import SAMPLERS

SIGMA_MIN, SIGMA_MAX = 0.1, 5.0
"""Standard deviations of the noise at levels 0 and 1, of entries that are -1 or 1."""
RHO = 7.0


def sigma(levels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Standard deviation of the noise at levels between 0 and 1, of the same shape."""
    low, high = SIGMA_MIN ** (1 / RHO), SIGMA_MAX ** (1 / RHO)
    spread: NDArray[np.float32] = np.asarray((low + levels * (high - low)) ** RHO, np.float32)
    return spread


class GaussianProcess(Process):
    """Adds normal noise to rows of -1 and 1.

    Args:
        linear: whether networks say the expected entries themselves and learn by squared errors,
            as published, instead of logits of the classes.
    """

    samplers: ClassVar[Mapping[str, str]] = {
        "ancestral": "the posterior between two levels (Ho et al. 2020, Eq. 7)",
        "euler-maruyama": "the reverse SDE, as published (Song et al. 2021, Eq. 6)",
        "corrector": "the same with a step of Langevin dynamics at each level (Algorithm 2)",
        "heun": "the probability flow, second order (Karras et al. 2022, Algorithm 1)",
        "dpm-solver": "the probability flow, two-step (Lu et al. 2022, Algorithm 2)",
    }

    def __init__(self, encoding: Encoding, linear: bool = False) -> None:
        super().__init__(encoding)
        self.linear = linear or encoding.empty_rows
        # One row more: that of a row without a class.
        columns = encoding.shape[1]
        self._entries = 2 * np.eye(columns + 1, columns, dtype=np.float32) - 1

    def _corrupted(
        self, classes: Classes, levels: NDArray[np.float32], rng: np.random.Generator
    ) -> Noisy:
        entries = self._entries[classes].reshape(len(classes), -1)
        spread = sigma(levels)[:, None]
        noisy = entries + spread * rng.standard_normal(entries.shape, np.float32)
        scaled = (noisy / np.sqrt(1 + spread**2)).astype(np.float32)
        return Noisy(scaled, levels, np.ones(classes.shape, np.bool_))

    def loss(self, said: Tensor, classes: Classes, noisy: Noisy) -> Tensor:
        if self.linear:
            entries = torch.from_numpy(self._entries[classes]).reshape(said.shape)
            return functional.mse_loss(said, entries)
        logits = self._barring(said)
        return functional.cross_entropy(logits.flatten(0, 1), torch.from_numpy(classes).flatten())

    def _expected(self, said: Tensor) -> Tensor:
        """Expected entries ``(n, rows * classes)`` by what a network says."""
        if self.linear:
            return said
        expected: Tensor = 2 * self._barring(said).softmax(-1) - 1
        return expected.reshape(said.shape)

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
        levels = np.linspace(1, 0, steps + 1, dtype=np.float32)
        spreads = sigma(levels)
        scales = np.sqrt(1 + spreads.astype(np.float64) ** 2)

        def denoised(noisy: Tensor, step: int) -> Tensor:
            inputs = noisy / float(scales[step])
            at = torch.full((n,), float(levels[step]))
            with torch.no_grad():
                expected = self._expected(denoise(inputs, at))
            if guide is not None:
                # The score is moved by the gradient, and the expectation by variance times that.
                by_inputs = guide(inputs, at)
                expected = expected + float(spreads[step] ** 2 / scales[step]) * by_inputs
            return expected

        noise = torch.from_numpy(rng.standard_normal((n, self.length), np.float32))
        entries = SAMPLERS[self.known_sampler(sampler)](
            denoised, noise * float(spreads[0]), spreads.astype(np.float64), rng
        )
        return self._classes(entries)

    def _classes(self, entries: Tensor) -> Classes:
        most = self._barring(entries).max(-1)
        classes: Classes = most.indices.numpy()
        if self.encoding.empty_rows:
            classes = np.where(most.values.numpy() > 0, classes, EMPTY)
        return classes
