"""What training and sampling cost: samplers and numbers of steps, with HV2 of 256 samples."""

from __future__ import annotations

import argparse

import numpy as np
from pomonag_common import (
    NAMES,
    Clock,
    Sheet,
    add_common_arguments,
    every_cost,
    four,
    hv2,
    timed,
    training_for,
)

from nasprof.threads import one_torch_thread
from search.diffusion.model import Diffusion, Samples
from search.diffusion.training import DiffusionTraining
from search.pomonag.phases import sample_phases

SAMPLES = 256
WAYS = (
    ("ancestral", 9),
    ("ancestral", 20),
    ("ancestral", 32),
    ("ancestral", 100),
    ("ancestral", 1000),
    ("dpm-solver", 9),
    ("dpm-solver", 32),
    ("heun", 9),
    ("heun", 32),
    ("euler-maruyama", 32),
    ("euler-maruyama", 100),
    ("euler-maruyama", 1000),
    ("corrector", 32),
    ("corrector", 500),
)
"""Samplers and steps; the last of Euler and Maruyama's are what was published."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which problems, seeds and trainings."""
    add_common_arguments(parser)
    parser.add_argument("--rounds", type=int, default=0, help="of expert iteration in the training")


def measure(given: argparse.Namespace) -> None:
    """A row a way of sampling."""
    sheet = Sheet(
        "cost",
        ("problem", "what", "sampler", "steps"),
        {"cpu_s": 2, "HV2": 4, "validity": 3, "uniqueness": 3},
    )
    for name in given.problems:
        for seed in given.seeds:
            with one_torch_thread():
                one_training(sheet, name, seed, given.rounds)
    sheet.report(given, samples=SAMPLES, rounds=given.rounds)


def one_training(sheet: Sheet, name: str, seed: int, rounds: int) -> None:
    """Train, then sample in every way."""
    training, pool_s = timed(lambda: training_for(name, seed, rounds=rounds))
    denoiser_s, predictor_s = trained(training)
    sheet.add(name, "training: pool", "", "", cpu_s=pool_s)
    sheet.add(name, "training: denoiser", "", "", cpu_s=denoiser_s)
    sheet.add(name, f"training: predictors of {', '.join(NAMES)}", "", "", cpu_s=predictor_s)
    model = training.model
    guides = {"unguided": unguided, "conditional": conditional, "guided": guided}
    for what, ask in guides.items():
        for sampler, steps in WAYS:
            if steps >= 500 and what == "unguided":
                continue
            chosen = model.with_settings(sampler=sampler, sampling_steps=steps)
            ask(chosen, 32, np.random.default_rng(0))  # the first call allocates
            rng = np.random.default_rng(seed)
            samples, seconds = timed(
                lambda ask=ask, chosen=chosen, rng=rng: ask(chosen, SAMPLES, rng)
            )
            sheet.add(name, what, sampler, str(steps), **judged(name, samples, seconds))


def trained(training: DiffusionTraining) -> tuple[float, float]:
    """CPU seconds of the denoiser's steps, rounds included, and of the predictors'."""
    denoiser, predictors = Clock(), Clock()
    while training.steps < training.total:
        late = training.steps >= training.total - training.settings.predictor_steps
        with (predictors if late else denoiser).running():
            training.step()
    return denoiser.seconds, predictors.seconds


def unguided(model: Diffusion, n: int, rng: np.random.Generator) -> Samples:
    """By the denoiser alone."""
    return model.sample(n, rng)


def conditional(model: Diffusion, n: int, rng: np.random.Generator) -> Samples:
    """Conditioned on every latency."""
    return every_cost(model, n, rng)


def guided(model: Diffusion, n: int, rng: np.random.Generator) -> Samples:
    """By the gradients of the noisy predictors: each sample its own target of latency."""
    return sample_phases(model, ("efficient", "accurate"), n, rng, guide="targets")


def judged(name: str, samples: Samples, seconds: float) -> dict[str, float]:
    """What a row says of samples."""
    distinct = samples.distinct
    found = hv2(name, four(name).values(distinct)) if len(distinct) else 0.0
    return {
        "cpu_s": seconds,
        "HV2": found,
        "validity": float(samples.valid.mean()),
        "uniqueness": len(distinct) / max(1, int(samples.valid.sum())),
    }
