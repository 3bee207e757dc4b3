"""One training for every budget: 20 that it never saw, 64 samples each, beside PNAG."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from platforms import best_known, best_within, platform, unseen_budgets
from pomonag_common import PROBLEMS, Sheet, add_common_arguments, timed

from search.generators.answers import AnswerSettings, Sampler, answer
from search.objectives.trade_off import TradeOff
from search.pnag.settings import TrainingSettings
from search.pnag.training import train as train_pnag
from search.pomonag.settings import PomonagSettings
from search.pomonag.training import train as train_pomonag

BUDGETS, SAMPLES = 20, 64
NAME = PROBLEMS["MB"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which seeds and settings."""
    add_common_arguments(parser, "MB")
    parser.add_argument("--set", type=json.loads, default={}, help="settings of POMONAG as JSON")
    parser.add_argument("--objectives", default="top1,latency", help="of POMONAG's training")


def measure(given: argparse.Namespace) -> None:
    """A row a generator."""
    columns = {
        "train_s": 1, "evaluations": 0, "gap_mean": 3, "gap_max": 3, "within": 3,
        "polished_mean": 3, "polished_max": 3, "asked": 0, "answer_s": 2,
    }  # fmt: skip
    sheet = Sheet("budgets", ("generator",), columns)
    settings = PomonagSettings.of({"objectives": given.objectives, **given.set})
    for seed in given.seeds:
        for label, train in generators(settings, seed).items():
            generator, seconds = timed(train)
            made = generator.provenance["evaluations"]
            numbers = judged(generator, seed)
            sheet.add(label, train_s=seconds, evaluations=made, **numbers)
    sheet.report(given, settings=settings.to_dict(), samples=SAMPLES, budgets=BUDGETS)


def generators(settings: PomonagSettings, seed: int) -> dict[str, Callable[[], Sampler]]:
    """Trainings by name; the last is PNAG's with as many evaluations as POMONAG's makes."""
    most = settings.pool + settings.rounds * settings.samples
    pnag = TrainingSettings()
    steps = max(1, most // (pnag.groups * pnag.samples))
    fewer = replace(pnag, steps=steps, refine=0)  # which evaluates many times what is sampled
    return {
        "pomonag": lambda: train_pomonag(platform(NAME), settings, seed),
        "pnag": lambda: train_pnag(platform(NAME), pnag, seed),
        f"pnag, {steps} steps, not refined": lambda: train_pnag(platform(NAME), fewer, seed),
    }


def judged(generator: Sampler, seed: int) -> dict[str, float]:
    """Samples as they are, and answers after polish, as points below the best known."""
    budgets = np.array(unseen_budgets(NAME, BUDGETS))
    rng = np.random.default_rng(seed + 1000)
    asked = np.repeat(budgets, SAMPLES)
    values = platform(NAME).problem().values(generator.sample(asked, rng))
    within = values[:, 1] <= asked
    known = best_within(best_known(NAME), budgets)
    raw = known - np.array(
        [-values[(asked == each) & within, 0].min(initial=np.inf) for each in budgets]
    )
    counted: list[int] = []
    watched: TradeOff = platform(NAME).watched(lambda genes: counted.append(len(genes)))
    options = AnswerSettings(None, samples=SAMPLES, keep=1)
    found, seconds = timed(lambda: answer(generator, watched, budgets.tolist(), rng, options))
    polished = known - np.array([best[0].top1 for best in found])
    return {
        "gap_mean": float(raw.mean()),
        "gap_max": float(raw.max()),
        "within": float(within.mean()),
        "polished_mean": float(polished.mean()),
        "polished_max": float(polished.max()),
        "asked": sum(counted) / BUDGETS,
        "answer_s": seconds,
    }
