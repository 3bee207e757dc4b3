"""One shot: 1,000 measured architectures, a diffusion trained on what these tell, and 256 more."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from engine_problems import engine_for, evaluated_by
from pomonag_common import (
    Sheet,
    add_common_arguments,
    every_cost,
    four,
    hv2,
    hv4,
    sampled,
    timed,
    training_for,
    unlike,
)

from nasprof.threads import one_torch_thread
from nasprof.typing import Array, Indices
from search.diffusion.conditions import Condition
from search.diffusion.model import Diffusion
from search.diffusion.pool import CostScale
from search.diffusion.predictors import Guidance
from search.diffusion.training import Label
from search.engines.base.population import spread_survivors
from search.pomonag.trainer import clean_predictor
from spaces import Genes

FILTERED, SAMPLES = 20_000, 4096
STRATA = 32
"""Of costs, in the choice of the best of each."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which problems and seeds, and how many architectures."""
    add_common_arguments(parser)
    parser.add_argument("--measured", type=int, default=1000)
    parser.add_argument("--more", type=int, default=256)
    parser.add_argument("--searches", default="linas,nsga2", help="engines beside, or nothing")


def measure(given: argparse.Namespace) -> None:
    """A row a way of finding candidates, and of choosing among them."""
    sheet = Sheet(
        "oneshot",
        ("problem", "candidates", "choice"),
        {"HV2": 4, "HV4": 4, "of": 0, "cpu_s": 1},
    )
    for name in given.problems:
        for seed in given.seeds:
            with one_torch_thread():
                OneShot(sheet, name, seed, given).run()
            for engine in filter(None, given.searches.split(",")):
                searched(sheet, name, engine, seed, given.measured + given.more)
    sheet.report(given, measured=given.measured, more=given.more)


class OneShot:
    """One seed of one problem."""

    def __init__(self, sheet: Sheet, name: str, seed: int, given: argparse.Namespace) -> None:
        self.sheet, self.name, self.seed, self.more = sheet, name, seed, given.more
        self.rng = np.random.default_rng(seed)
        self.measured = sampled(name, given.measured, self.rng)
        self.values = four(name).values(self.measured)
        self.predict: Label = clean_predictor(four(name), self.measured, -self.values[:, 0])

    def run(self) -> None:
        """All ways."""
        self.tell("measured alone", "", self.measured[:0])
        self.chosen("random, filtered", sampled(self.name, FILTERED, self.rng), 0.0)
        training, trained_s = timed(
            lambda: training_for(self.name, self.seed, self.predict, self.measured)
        )
        model, run_s = timed(training.run)
        trained_s += run_s
        accurate = model.sample(self.more, self.rng, Guidance({"top1": 12.0})).distinct
        self.tell("guided by accuracy alone", "", accurate, trained_s)
        self.tell("conditional", "as sampled", every_cost(model, self.more, self.rng).distinct)
        samples, sampled_s = timed(lambda: self.samples(model))
        self.chosen("conditional", samples, trained_s + sampled_s)
        pool = np.concatenate([samples, training.pool.genes])
        self.chosen("conditional, and what was learnt", pool, trained_s + sampled_s)

    def samples(self, model: Diffusion) -> Genes:
        """At every cost in every direction, of several ranks at equal cost."""
        found = []
        for advantage in (0.95, 0.99):
            condition = Condition.spread(
                SAMPLES // 2, len(model.directions), advantage, model.settings.focus, self.rng
            )
            found.append(model.sample(condition, self.rng).distinct)
        return np.concatenate(found)

    def chosen(self, candidates: str, genes: Genes, seconds: float) -> None:
        """The best of candidates by each choice."""
        genes = unlike(genes, self.measured)
        predicted = self.predict(genes)
        for choice, choose in CHOICES.items():
            rows = choose(predicted, self.more, np.random.default_rng(self.seed))
            self.tell(candidates, choice, genes[rows], seconds, len(genes))

    def tell(
        self, candidates: str, choice: str, genes: Genes, seconds: float = 0.0, of: int = 0
    ) -> None:
        """What the measured ones and these are worth."""
        values = np.concatenate([self.values, four(self.name).values(genes)])
        numbers = {"HV2": hv2(self.name, values), "HV4": hv4(self.name, values)}
        self.sheet.add(self.name, candidates, choice, **numbers, of=of or len(genes), cpu_s=seconds)


def searched(sheet: Sheet, name: str, engine: str, seed: int, evaluations: int) -> None:
    """An engine with as many measured, in two objectives and in four; costs are free for it too."""
    for n, share in ((2, hv2), (4, hv4)):
        problem = replace(four(name), objectives=four(name).objectives[:n])
        search = engine_for(engine, problem, seed)
        (_, values), seconds = timed(
            lambda search=search, problem=problem: evaluated_by(search, problem, evaluations)
        )
        sheet.add(name, engine, f"{n} objectives", **{f"HV{n}": share(name, values)}, cpu_s=seconds)


# --- which of the candidates ----------------------------------------------------------------


def by_two(predicted: Array, n: int, rng: np.random.Generator) -> Indices:
    """Spread over the fronts in accuracy and latency."""
    return spread_survivors(predicted[:, :2], np.full(2, np.inf), n, rng)


def by_four(predicted: Array, n: int, rng: np.random.Generator) -> Indices:
    """Spread over the fronts in all objectives."""
    return spread_survivors(predicted, np.full(4, np.inf), n, rng)


def by_both(predicted: Array, n: int, rng: np.random.Generator) -> Indices:
    """Half by two objectives, half by all."""
    first = by_two(predicted, n // 2, rng)
    others = np.setdiff1d(np.arange(len(predicted)), first)
    return np.concatenate([first, others[by_four(predicted[others], n - len(first), rng)]])


def by_strata(predicted: Array, n: int, rng: np.random.Generator) -> Indices:
    """The most accurate of each of many ranges of latency: less trust in what is predicted."""
    shares = CostScale.of(predicted[:, 1:2]).shares(predicted[:, 1:2])[:, 0]
    strata = np.minimum((STRATA * shares).astype(int), STRATA - 1)
    chosen: list[int] = []
    for stratum in range(STRATA):
        rows = np.flatnonzero(strata == stratum)
        chosen += rows[np.argsort(predicted[rows, 0], kind="stable")[: n // STRATA]].tolist()
    others = np.setdiff1d(np.arange(len(predicted)), chosen)
    more = others[by_two(predicted[others], n - len(chosen), rng)] if len(chosen) < n else []
    return np.array([*chosen, *more], np.intp)


CHOICES: dict[str, Callable[[Array, int, np.random.Generator], Indices]] = {
    "front of 2": by_two,
    "front of 4": by_four,
    "half, half": by_both,
    "strata": by_strata,
}
