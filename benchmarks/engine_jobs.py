"""One search of an engine on a problem, kept for as long as its code does not change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from engine_problems import (
    budgets,
    engine_for,
    evaluated_by,
    problem_of,
)
from jobs import Job

from search.engines import engines
from search.engines.base.directions import reference_directions
from search.engines.base.population import spread_survivors, survivors
from search.problem import Limit, Objective, Problem
from search.quality.indicators import igd
from spaces import Space


@dataclass(frozen=True)
class Run(Job):
    """A search for the whole front, or within several budgets where an engine needs one.

    Args:
        settings: of the engine, as pairs.
        free: whether latencies cost nothing, so that engines may ask for them.
    """

    engine: str = ""
    evaluations: int = 0
    settings: tuple[tuple[str, Any], ...] = ()
    free: bool = False

    def run(self) -> dict[str, Any]:
        problem = problem_of(self.platform)
        if self.free:
            top1, latency = problem.objectives
            problem = replace(problem, objectives=(top1, replace(latency, free=True)))
        if not engines.get(self.engine).needs_limit:
            engine = engine_for(self.engine, problem, self.seed, **dict(self.settings))
            return {"values": evaluated_by(engine, problem, self.evaluations)[1].tolist()}
        limits = budgets(self.platform)
        found = []
        for budget_ms in limits:
            limited = replace(problem, limits={"latency": Limit.of_budget(budget_ms)})
            engine = engine_for(self.engine, limited, self.seed, **dict(self.settings))
            found.append(evaluated_by(engine, problem, self.evaluations // len(limits))[1])
        return {"values": np.concatenate(found).tolist()}


class Grid(Space):
    """Points of a grid in the unit cube, for test functions of real numbers."""

    name = "grid"
    steps = 101
    n_choices: Any = None
    settings: Any = None
    size: Any = None
    vocabulary: Any = ()
    parts: Any = ()

    def __init__(self, n_genes: int) -> None:
        self.n_choices = np.full(n_genes, self.steps, np.int8)
        self.settings = {"space": "grid", "genes": n_genes}
        self.size = self.steps**n_genes

    @classmethod
    def from_arch(cls, arch: Any) -> Grid:
        return cls(arch["genes"])

    def active(self, genes: np.ndarray) -> np.ndarray:
        return np.ones(genes.shape, bool)

    def encode(self, archs: Any) -> np.ndarray:
        return np.array(archs, np.int8)

    def decode(self, genes: np.ndarray) -> Any:
        return genes.tolist()

    def slots(self, genes: np.ndarray) -> Any:
        raise NotImplementedError

    def network(self, genes: np.ndarray) -> Any:
        raise NotImplementedError


DISTANCE_GENES = 5


def dtlz1(genes: np.ndarray, n_objectives: int) -> np.ndarray:
    """Deb, Thiele, Laumanns and Zitzler 2005, Eq. 8, on the grid: ``(n, n_objectives)``."""
    x = genes / (Grid.steps - 1)
    position, distance = x[:, : n_objectives - 1], x[:, n_objectives - 1 :]
    rugged = ((distance - 0.5) ** 2 - np.cos(20 * np.pi * (distance - 0.5))).sum(1)
    height = 0.5 * (1 + 100 * (distance.shape[1] + rugged))
    return np.stack(
        [
            height
            * position[:, : n_objectives - 1 - number].prod(1)
            * (1 - position[:, n_objectives - 1 - number] if number else 1)
            for number in range(n_objectives)
        ],
        1,
    )


@dataclass(frozen=True)
class Column:
    """One objective of DTLZ1."""

    number: int
    n_objectives: int

    def __call__(self, genes: np.ndarray) -> np.ndarray:
        return dtlz1(genes, self.n_objectives)[:, self.number]


@dataclass(frozen=True)
class Dtlz1(Job):
    """An engine on DTLZ1; the IGD of its last population to the true front."""

    engine: str = ""
    objectives: int = 3
    population: int = 100
    generations: int = 400

    def run(self) -> dict[str, Any]:
        m = self.objectives
        columns = [Objective(f"f{number}", "", Column(number, m)) for number in range(m)]
        problem = Problem(Grid(m - 1 + DISTANCE_GENES), tuple(columns))
        # The operators of each engine alike: what differs is who survives.
        settings = {"crossover": 0.9, "mutation": 0.0, "eta": 20.0, "population": self.population}
        engine = engine_for(self.engine, problem, self.seed, **settings)
        _, values = evaluated_by(engine, problem, self.population * self.generations)
        kept = survivors_of(self.engine, values, self.population, self.seed)
        front = 0.5 * reference_directions(m, 400)
        return {"igd": igd(values[kept], front)}


def survivors_of(engine: str, values: np.ndarray, n: int, seed: int) -> np.ndarray:
    """The best of everything evaluated, as the engine itself chooses."""
    worst = np.full(values.shape[1], np.inf)
    if engine == "nsga2":
        return survivors(values, worst, n)
    return spread_survivors(values, worst, n, np.random.default_rng(seed))
