"""Ways back through levels of Gaussian noise.

Each is given what the network expects of noisy rows at a level, noise of the highest level, and
the levels' standard deviations ``(steps + 1,)`` in descending order; it gives what is expected at
the last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from nasprof.typing import Array

Denoised: TypeAlias = Callable[[Tensor, int], Tensor]
"""Noisy entries ``(n, length)`` and the number of their level to the entries expected."""
Sampler: TypeAlias = Callable[[Denoised, Tensor, Array, np.random.Generator], Tensor]

SIGNAL_TO_NOISE = 0.16
"""Of a Langevin step (Song et al. 2021, Algorithm 5)."""


def _normal(like: Tensor, rng: np.random.Generator) -> Tensor:
    return torch.from_numpy(rng.standard_normal(tuple(like.shape), np.float32))


def ancestral(
    denoised: Denoised, noisy: Tensor, spreads: Array, rng: np.random.Generator
) -> Tensor:
    """Samples from the posterior of the next level given this one and what is expected."""
    variances = spreads**2
    for step in range(len(spreads) - 1):
        expected, share = denoised(noisy, step), float(variances[step + 1] / variances[step])
        spread = float(np.sqrt(variances[step + 1] * (1 - share)))
        noisy = expected + share * (noisy - expected) + spread * _normal(noisy, rng)
    return denoised(noisy, len(spreads) - 1)


def euler_maruyama(
    denoised: Denoised, noisy: Tensor, spreads: Array, rng: np.random.Generator
) -> Tensor:
    """Euler-Maruyama steps of the reverse SDE."""
    return _reverse_sde(denoised, noisy, spreads, rng, corrected=False)


def corrector(
    denoised: Denoised, noisy: Tensor, spreads: Array, rng: np.random.Generator
) -> Tensor:
    """Predictor and corrector."""
    return _reverse_sde(denoised, noisy, spreads, rng, corrected=True)


def _reverse_sde(
    denoised: Denoised, noisy: Tensor, spreads: Array, rng: np.random.Generator, corrected: bool
) -> Tensor:
    variances = spreads**2
    for step in range(len(spreads) - 1):
        if corrected:
            noisy = _langevin(denoised, noisy, step, float(variances[step]), rng)
        score = (denoised(noisy, step) - noisy) / float(variances[step])
        removed = float(variances[step] - variances[step + 1])
        noisy = noisy + removed * score + removed**0.5 * _normal(noisy, rng)
    return denoised(noisy, len(spreads) - 1)


def _langevin(
    denoised: Denoised, noisy: Tensor, step: int, variance: float, rng: np.random.Generator
) -> Tensor:
    score, noise = (denoised(noisy, step) - noisy) / variance, _normal(noisy, rng)
    length = 2 * (SIGNAL_TO_NOISE * noise.norm() / score.norm().clamp(min=1e-12)) ** 2
    moved: Tensor = noisy + length * score + (2 * length).sqrt() * noise
    return moved


def heun(denoised: Denoised, noisy: Tensor, spreads: Array, rng: np.random.Generator) -> Tensor:
    """Heun's method; the network is asked twice a step."""
    for step in range(len(spreads) - 1):
        here, there = float(spreads[step]), float(spreads[step + 1])
        slope = (noisy - denoised(noisy, step)) / here
        ahead = noisy + (there - here) * slope
        mean = (slope + (ahead - denoised(ahead, step + 1)) / there) / 2
        noisy = noisy + (there - here) * mean
    return denoised(noisy, len(spreads) - 1)


def dpm_solver(
    denoised: Denoised, noisy: Tensor, spreads: Array, rng: np.random.Generator
) -> Tensor:
    """DPM-Solver++(2M), which extrapolates what was expected at the level before."""
    lambdas = -np.log(spreads)
    before: Tensor | None = None
    for step in range(len(spreads) - 1):
        expected = denoised(noisy, step)
        leading = expected
        if before is not None:
            ratio = (lambdas[step + 1] - lambdas[step]) / (lambdas[step] - lambdas[step - 1])
            leading = expected + float(ratio / 2) * (expected - before)
        share = float(spreads[step + 1] / spreads[step])
        noisy, before = share * noisy + (1 - share) * leading, expected
    return denoised(noisy, len(spreads) - 1)


SAMPLERS: Mapping[str, Sampler] = {
    "ancestral": ancestral,
    "euler-maruyama": euler_maruyama,
    "corrector": corrector,
    "heun": heun,
    "dpm-solver": dpm_solver,
}
