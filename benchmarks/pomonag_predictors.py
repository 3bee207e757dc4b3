"""Rank correlations of clean and of noisy predictors, beside what no predictor can exceed."""

from __future__ import annotations

import argparse

import numpy as np
import torch
from pomonag_common import (
    NAMES,
    Sheet,
    add_common_arguments,
    four,
    sampled,
    timed,
    training_for,
    unlike,
)

from nasprof.threads import one_torch_thread
from nasprof.typing import Array, Indices
from search.diffusion.gaussian import sigma
from search.diffusion.process import Noisy
from search.diffusion.training import DiffusionTraining
from search.pomonag.trainer import clean_predictor
from search.regression.normal_scores import normal_scores
from spaces import Genes

TESTED, NOISES = 3000, 4
"""Architectures that were not measured, and levels of noise of each."""
AT_ONCE = 2000
"""Exact posteriors that are held in memory."""
SMALL_POOL = 20
MOSTLY_PREDICTORS = {"steps": 1, "rounds": 0}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which problems and seeds."""
    add_common_arguments(parser)
    parser.add_argument("--measured", type=int, default=1000)
    parser.add_argument("--few", type=int, default=100)


def measure(given: argparse.Namespace) -> None:
    """A row a predictor."""
    sheet = Sheet(
        "predictors",
        ("problem", "predictor", "measured"),
        {**dict.fromkeys(NAMES, 3), "cpu_s": 1},
    )
    for name in given.problems:
        for seed in given.seeds:
            with one_torch_thread():
                clean_ones(sheet, name, seed, (given.few, given.measured))
                noisy_ones(sheet, name, seed, given)
    sheet.report(given, tested=TESTED, noises=NOISES)


def rank(predicted: Array, true: Array) -> float:
    """Spearman's correlation."""
    from scipy.stats import spearmanr

    return float(spearmanr(predicted, true).statistic)


def clean_ones(sheet: Sheet, name: str, seed: int, sizes: tuple[int, ...]) -> None:
    """Of accuracy, of architectures as they are."""
    for size in sizes:
        genes = sampled(name, size, np.random.default_rng(seed))
        tested = held_out(name, genes, seed)
        predict, seconds = timed(
            lambda genes=genes: clean_predictor(four(name), genes, -four(name).values(genes)[:, 0])
        )
        top1 = rank(predict(tested)[:, 0], four(name).values(tested)[:, 0])
        sheet.add(name, "clean", str(size), top1=top1, cpu_s=seconds)


def held_out(name: str, measured: Genes, seed: int) -> Genes:
    """Architectures that were not measured."""
    return unlike(sampled(name, TESTED, np.random.default_rng([seed, 1])), measured)


def noisy_ones(sheet: Sheet, name: str, seed: int, given: argparse.Namespace) -> None:
    """Of all objectives, of noisy architectures; accuracies as the clean predictor has them."""
    for size in (given.few, given.measured):
        genes = sampled(name, size, np.random.default_rng(seed))
        tested = held_out(name, genes, seed)
        # The pool that is learnt from is the measured ones, with the twenty that it needs at least.
        direct = training_for(
            name, seed, None, genes[SMALL_POOL:], **MOSTLY_PREDICTORS, pool=SMALL_POOL
        )
        _, seconds = timed(direct.run)
        noisy = corrupted(direct, tested, seed)
        sheet.add(
            name, "noisy, direct", str(size), **ranks(name, direct, tested, noisy), cpu_s=seconds
        )
        label = clean_predictor(four(name), genes, -four(name).values(genes)[:, 0])
        distilled = training_for(name, seed, label, genes, **MOSTLY_PREDICTORS)
        _, seconds = timed(distilled.run)
        numbers = ranks(name, distilled, tested, noisy)
        sheet.add(name, "noisy, distilled", str(size), **numbers, cpu_s=seconds)
    if name == "NB":
        limits(sheet, name, distilled, tested, noisy, str(size))


def corrupted(training: DiffusionTraining, tested: Genes, seed: int) -> Noisy:
    """Each of the tested, at several levels."""
    classes = training.process.encoding.classes(np.repeat(tested, NOISES, 0))
    return training.process.corrupted(classes, np.random.default_rng([seed, 2]))


def predicted(training: DiffusionTraining, noisy: Noisy) -> Array:
    """Scores of noisy architectures, ``(n, n_objectives)``."""
    with torch.no_grad():
        scores: Array = training.predictor.average(
            torch.from_numpy(noisy.inputs), torch.from_numpy(noisy.levels)
        ).numpy()
    return scores


def ranks(name: str, training: DiffusionTraining, tested: Genes, noisy: Noisy) -> dict[str, float]:
    """Correlations by objective, over all levels at once."""
    scores, true = predicted(training, noisy), np.repeat(four(name).values(tested), NOISES, 0)
    return by_objective(scores, true)


def limits(
    sheet: Sheet, name: str, training: DiffusionTraining, tested: Genes, noisy: Noisy, size: str
) -> None:
    """What the expected score given the noisy architecture ranks, over all cells there are.

    Nothing that sees the noisy architecture alone can be expected to do better.
    """
    problem, encoding = four(name), training.process.encoding
    every = problem.space.from_index(np.arange(problem.space.size))
    ones = np.eye(encoding.shape[1], dtype=np.float32)[encoding.classes(every)]
    entries = 2 * ones.reshape(len(every), -1) - 1
    scores = normal_scores(problem.values(every))
    chunks = np.array_split(np.arange(len(noisy.levels)), max(1, len(noisy.levels) // AT_ONCE))
    expected = np.concatenate([posterior_mean(noisy, rows, entries, scores) for rows in chunks])
    true = np.repeat(problem.values(tested), NOISES, 0)
    sheet.add(name, "limit: exact posterior", size, **by_objective(expected, true))


def posterior_mean(noisy: Noisy, rows: Indices, entries: Array, scores: Array) -> Array:
    """Expected scores ``(n, n_objectives)`` of noisy architectures, all cells alike at first."""
    spread = sigma(noisy.levels[rows])[:, None]
    seen = noisy.inputs[rows] * np.sqrt(1 + spread**2)
    squares = (seen**2).sum(1)[:, None] + (entries**2).sum(1) - 2 * seen @ entries.T
    logs = -squares / (2 * spread**2)
    weights = np.exp(logs - logs.max(1, keepdims=True))
    mean: Array = (weights / weights.sum(1, keepdims=True)) @ scores
    return mean


def by_objective(scores: Array, true: Array) -> dict[str, float]:
    """A correlation for each column."""
    return {one: rank(scores[:, column], true[:, column]) for column, one in enumerate(NAMES)}
