"""Problems that engines are compared on, and where their hypervolumes end.

NAS-Bench-201: published accuracies (CIFAR-100, 200 epochs) and latencies (HELP), everything true
and the exact front known. OFA-MobileNetV3: the platforms of :mod:`platforms`. No value is free:
an evaluation yields both, as on a device.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from common import PUBLISHED
from platforms import best_known, platform

from search.engines import make_engine
from search.engines.base.engine import Engine
from search.problem import Objective, Problem
from search.quality.indicators import hypervolume, hypervolume_curve, non_dominated
from spaces import Genes, get_space

CELLS = PUBLISHED / "nats-bench/nb201_test_acc_200ep.csv.gz"
CELL_LATENCIES = PUBLISHED / "help/nb201_latency_ms.csv.gz"
DEVICES = ("pixel3", "raspi4", "gold_6226", "titan_rtx_b1", "titan_rtx_b256")
MOBILES = ("note10", "cpu-onnxruntime", "titan_rtx")
BUDGETS = 5
"""Searches for one best architecture are made within so many budgets, in equal ratios."""


def read_column(path: object, name: str) -> np.ndarray:
    """A column of numbers of a CSV file, in order of ``arch_idx``."""
    with gzip.open(path, "rt") as stream:  # type: ignore[call-overload]
        rows = list(csv.DictReader(stream))
    order = np.argsort([int(row["arch_idx"]) for row in rows])
    return np.array([float(rows[place][name]) for place in order])


@dataclass(frozen=True)
class Table:
    """Values of all cells by their index."""

    values: np.ndarray

    def __call__(self, genes: Genes) -> np.ndarray:
        return self.values[get_space("nasbench201").index(genes)]


@cache
def cells(device: str, data_set: str = "cifar100") -> Problem:
    """Accuracy and latency of every cell of NAS-Bench-201."""
    top1 = Table(read_column(CELLS, data_set))
    latency = Table(read_column(CELL_LATENCIES, device))
    objectives = (
        Objective("top1", "%", top1, maximise=True, kind="evaluated"),
        Objective("latency", "ms", latency, kind="evaluated"),
    )
    return Problem(get_space("nasbench201"), objectives)


@cache
def problem_of(name: str) -> Problem:
    """A problem by the name of its device or platform."""
    if name in DEVICES:
        return cells(name)
    top1, latency = platform(name).problem().objectives
    return Problem(platform(name).space, (top1, replace(latency, free=False)))


@cache
def front_of(name: str) -> np.ndarray:
    """The exact front of cells, the best known of others: ``(n, 2)``, to be minimised."""
    if name not in DEVICES:
        return best_known(name)
    space = get_space("nasbench201")
    values = problem_of(name).values(space.from_index(np.arange(space.size)))
    return values[non_dominated(values)]


@cache
def corner_of(name: str) -> np.ndarray:
    """Where hypervolumes end: the worst accuracy and latency on the front, ``(2,)``."""
    return front_of(name).max(0)


@cache
def whole(name: str) -> float:
    """Hypervolume of the front."""
    return hypervolume(front_of(name), corner_of(name))


def shares(name: str, values: np.ndarray, counts: Sequence[int]) -> list[float]:
    """Hypervolume of the first so many as a share of the front's; nan beyond what there is."""
    known = [count for count in counts if count <= len(values)]
    found = hypervolume_curve(values, corner_of(name), known) / whole(name)
    return [*found.tolist(), *[float("nan")] * (len(counts) - len(known))]


def budgets(name: str) -> list[float]:
    """Latencies in ms within which searches for one best architecture are made."""
    low, high = front_of(name)[:, 1].min(), front_of(name)[:, 1].max()
    return np.geomspace(low, high, BUDGETS + 1)[1:].tolist()


def engine_for(
    engine: str, problem: Problem, seed: int, first: Genes | None = None, **settings: object
) -> Engine:
    """An engine as ``nassearch run`` makes it."""
    return make_engine(engine, settings).setup(problem, np.random.default_rng(seed), first)


def evaluated_by(engine: Engine, problem: Problem, evaluations: int) -> tuple[Genes, np.ndarray]:
    """What an engine evaluates: genes ``(n, n_genes)`` and objectives ``(n, n_objectives)``."""
    genes: list[Genes] = []
    values: list[np.ndarray] = []
    left = evaluations
    while left > 0 and len(asked := engine.ask(left)):
        worth = problem.values(asked)
        engine.tell(asked, worth)
        genes.append(asked)
        values.append(worth)
        left -= len(asked)
    if not genes:
        empty = np.empty((0, problem.space.n_genes), np.int8)
        return empty, np.empty((0, len(problem.objectives)))
    return np.concatenate(genes), np.concatenate(values)
