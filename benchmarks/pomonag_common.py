"""Problems of four objectives, architectures measured in them, and what is found as shares."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np
from common import RESULTS, mean_and_error, report, seed_list
from engine_problems import corner_of, problem_of, whole

from search.diffusion.conditions import Condition
from search.diffusion.model import Diffusion, Samples
from search.diffusion.settings import DiffusionSettings
from search.diffusion.training import DiffusionTraining, Label
from search.problem import Objective, Problem
from search.quality.indicators import hypervolume, non_dominated
from spaces import Genes, Space

NAMES = ("top1", "latency", "params", "macs")
PROBLEMS = {"NB": "raspi4", "MB": "cpu-onnxruntime"}
"""Names of devices or platforms."""
FRONT = RESULTS / "pomonag_front4_MB.npz"
"""Genes of the best-known front in four objectives; ``pomonag.py front4`` goes on with it."""


def add_common_arguments(parser: argparse.ArgumentParser, problems: str = "NB,MB") -> None:
    """Which problems and seeds."""
    parser.add_argument("--seeds", type=seed_list, default=[0, 1, 2], help="separated by commas")
    parser.add_argument("--problems", type=_problem_list, default=problems.split(","))


def _problem_list(text: str) -> list[str]:
    names = text.split(",")
    if unknown := set(names) - set(PROBLEMS):
        raise argparse.ArgumentTypeError(f"there is no {', '.join(unknown)}: {', '.join(PROBLEMS)}")
    return names


@dataclass(frozen=True)
class Computed:
    """Parameters or MACs of architectures."""

    space: Space
    name: str

    def __call__(self, genes: Genes) -> np.ndarray:
        count: np.ndarray = getattr(self.space, self.name)(genes) * 1.0
        return count


@cache
def two(name: str) -> Problem:
    """Accuracy, which is measured, and latency, which is free."""
    both = problem_of(PROBLEMS[name])
    top1, latency = both.objectives
    return replace(both, objectives=(top1, replace(latency, free=True)))


@cache
def four(name: str) -> Problem:
    """The same with parameters and MACs."""
    problem = two(name)
    computed = [
        Objective(cost, "1", Computed(problem.space, cost), free=True, kind="computed")
        for cost in NAMES[2:]
    ]
    return replace(problem, objectives=(*problem.objectives, *computed))


@cache
def front_values(name: str) -> np.ndarray:
    """The best-known front in four objectives: of cells the exact one, ``(n, 4)``."""
    space = four(name).space
    if name == "NB":
        genes = space.from_index(np.arange(space.size))
    else:
        with np.load(FRONT) as kept:
            genes = kept["genes"]
    values = four(name).values(genes)
    return values[non_dominated(values)]


@cache
def _whole4(name: str) -> tuple[np.ndarray, float]:
    front = front_values(name)
    return front.max(0), hypervolume(front, front.max(0))


def hv2(name: str, values: np.ndarray) -> float:
    """Share of the hypervolume in accuracy and latency."""
    device = PROBLEMS[name]
    return hypervolume(values[:, :2], corner_of(device)) / whole(device)


def hv4(name: str, values: np.ndarray) -> float:
    """Share of the hypervolume in all four objectives."""
    corner, everything = _whole4(name)
    return hypervolume(values, corner) / everything


def sampled(name: str, n: int, rng: np.random.Generator) -> Genes:
    """Distinct random architectures: cells uniformly, networks spread over the range of MACs."""
    strategy = "uniform" if name == "NB" else "biased"
    genes = np.unique(four(name).space.sample(2 * n, rng, strategy), axis=0)
    return rng.permutation(genes)[:n]


def unlike(genes: Genes, known: Genes) -> Genes:
    """Those of ``genes`` that are not among ``known``, each once."""
    held = {row.tobytes() for row in known}
    return np.array(
        [row for row in np.unique(genes, axis=0) if row.tobytes() not in held], np.int8
    ).reshape(-1, genes.shape[1])


def training_for(
    name: str,
    seed: int,
    label: Label | None = None,
    first: Genes | None = None,
    **settings: object,
) -> DiffusionTraining:
    """A training on the true values of all four objectives, unless ``label`` has others."""
    return DiffusionTraining(
        four(name).space,
        NAMES,
        label or four(name).values,
        DiffusionSettings.of(settings),
        np.random.default_rng(seed),
        first,
    )


def every_cost(model: Diffusion, n: int, rng: np.random.Generator) -> Samples:
    """Samples conditioned on every latency."""
    return model.sample(Condition.at(rng.permutation(np.linspace(0, 1, n)), 0.99), rng)


@dataclass
class Clock:
    """CPU seconds of what is run within it."""

    seconds: float = field(default=0.0)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Add what this takes."""
        began = time.process_time()
        yield
        self.seconds += time.process_time() - began


def timed(action: Callable[[], Any]) -> tuple[Any, float]:
    """What a call gives, and its CPU seconds."""
    clock = Clock()
    with clock.running():
        result = action()
    return result, clock.seconds


class Sheet:
    """Numbers by row, column and seed, and a table of their means.

    Args:
        part: of the benchmark.
        keys: names of what tells rows apart.
        columns: names of the numbers, with the digits that are shown.
    """

    def __init__(self, part: str, keys: Sequence[str], columns: dict[str, int]) -> None:
        self.part, self.keys, self.columns = part, keys, columns
        self.rows: dict[tuple[str, ...], dict[str, list[float]]] = {}

    def add(self, *row: str, **numbers: float) -> None:
        """The numbers of one seed; said at once, since a part takes minutes."""
        said = " ".join(
            f"{name} {number:.{self.columns[name]}f}" for name, number in numbers.items()
        )
        print(*row, said, flush=True)
        kept = self.rows.setdefault(row, {})
        for name, number in numbers.items():
            kept.setdefault(name, []).append(float(number))

    def report(self, given: argparse.Namespace, **facts: Any) -> None:
        """Print the table and write it, with all numbers and ``facts``."""
        shown = [
            [
                *row,
                *(
                    mean_and_error(kept[name], digits) if name in kept else ""
                    for name, digits in self.columns.items()
                ),
            ]
            for row, kept in self.rows.items()
        ]
        numbers = [dict(zip(self.keys, row, strict=True)) | kept for row, kept in self.rows.items()]
        report(
            f"pomonag_{self.part}",
            (*self.keys, *self.columns),
            shown,
            seeds=given.seeds,
            numbers=numbers,
            **facts,
        )
