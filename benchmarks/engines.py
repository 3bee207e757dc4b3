"""Engines beside each other on real tables, five seeds, standard errors.

``cells``: NAS-Bench-201, everything true, five devices, shares of the exact front's hypervolume.
``mobiles``: OFA-MobileNetV3 on three platforms, shares of the best-known front's; evaluations
until what NSGA-II reaches with 2,000. ``operators``: what NAT claims of crossover and mutation
(its Fig. 14-15). ``many``: reference directions against crowding on DTLZ1 (its Fig. 23).
``travel``: fronts searched on one device and priced on another; MACs instead of latency (App. B
and E of LINAS). ``cost``: CPU seconds of a whole search on one thread.

Run: python benchmarks/engines.py [cells|mobiles|operators|many|travel|cost ...] [--processes 2]
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from time import process_time
from typing import Any

import numpy as np
from common import RESULTS, report
from engine_jobs import Dtlz1, Run
from engine_problems import (
    DEVICES,
    MOBILES,
    corner_of,
    engine_for,
    evaluated_by,
    problem_of,
    shares,
    whole,
)
from engine_travel import travel
from jobs import results

from nasprof.threads import one_thread
from search.engines import engines
from search.pictures.curves import plot_curves
from search.quality.indicators import evaluations_to_reach

SEEDS = range(5)
CELL_COUNTS = (50, 100, 250, 500)
MOBILE_COUNTS = (50, 100, 200, 350, 500, 1000, 2000)
PREDICTING = {"linas": 350, "nat": 350, "oneshot": 350, "motpe": 350}
"""Evaluations of engines that take seconds of their own."""
IN_CELLS = {"nat": 250}
FRONTS = [name for name in engines if name != "exact"]


def runs(
    name: str, engine: str, evaluations: int, free: bool = False, **settings: Any
) -> list[Run]:
    """One search a seed."""
    return [
        Run(name, seed, engine, evaluations, tuple(sorted(settings.items())), free)
        for seed in SEEDS
    ]


def found_by(jobs: Sequence[Run], processes: int) -> list[np.ndarray]:
    """What each of the searches evaluated, ``(n, 2)``, to be minimised."""
    return [np.array(each["values"]) for each in results(jobs, processes)]


def staged(name: str, engine: str, counts: Sequence[int]) -> list[Run]:
    """Searches that make up a curve: one, or one a count where budgets are searched one by one."""
    limits = IN_CELLS if name in DEVICES else PREDICTING
    most = min(limits.get(engine, max(counts)), max(counts))
    if not engines.get(engine).needs_limit:
        return runs(name, engine, most)
    return [job for count in counts for job in runs(name, engine, count)]


def curve(name: str, engine: str, counts: Sequence[int], processes: int) -> np.ndarray:
    """Shares of the front's hypervolume, ``(n_seeds, n_counts)``; nan beyond what was run."""
    found = found_by(staged(name, engine, counts), processes)
    if not engines.get(engine).needs_limit:
        return np.array([shares(name, values, counts) for values in found])
    by_count = np.array([shares(name, values, [len(values)])[0] for values in found])
    return by_count.reshape(len(counts), -1).T


def text(numbers: np.ndarray, digits: int = 4) -> str:
    """Mean over seeds and its standard error."""
    if np.isnan(numbers).any():
        return ""
    error = numbers.std(ddof=1) / np.sqrt(len(numbers))
    return f"{numbers.mean():.{digits}f} ± {error:.{digits}f}"


def compared(
    title: str, names: Sequence[str], counts: Sequence[int], processes: int
) -> dict[str, dict[str, np.ndarray]]:
    """Every engine on every problem, as a table, JSON and a picture a problem."""
    results(
        [job for name in names for each in FRONTS for job in staged(name, each, counts)], processes
    )
    curves = {
        name: {each: curve(name, each, counts, processes) for each in FRONTS} for name in names
    }
    rows = [
        (name, engine, *(text(column) for column in found.T))
        for name, own in curves.items()
        for engine, found in own.items()
    ]
    told = {
        name: {engine: found.tolist() for engine, found in own.items()}
        for name, own in curves.items()
    }
    report(
        f"engines_{title}",
        ("problem", "engine", *map(str, counts)),
        rows,
        counts=list(counts),
        seeds=len(SEEDS),
        shares=_without_nan(told),
        references={
            name: {"corner": corner_of(name).tolist(), "volume": whole(name)} for name in names
        },
    )
    for name in names:
        fine = np.unique(np.geomspace(10, max(counts), 40).round().astype(int)).tolist()
        drawn = {}
        for engine in FRONTS:
            if engines.get(engine).needs_limit:
                continue
            found = found_by(staged(name, engine, counts), processes)
            drawn[engine] = np.array([shares(name, values, fine) for values in found])
        where = "exact front" if name in DEVICES else "best-known front"
        plot_curves(
            drawn,
            fine,
            f"share of the {where}'s hypervolume",
            f"{name}: means over {len(SEEDS)} seeds ± standard error",
            RESULTS / f"engines_{name}.png",
        )
    return curves


def _without_nan(told: Any) -> Any:
    if isinstance(told, Mapping):
        return {key: _without_nan(value) for key, value in told.items()}
    if isinstance(told, list):
        return [_without_nan(value) for value in told]
    return None if isinstance(told, float) and np.isnan(told) else told


def cells(processes: int) -> None:
    compared("cells", DEVICES, CELL_COUNTS, processes)


def mobiles(processes: int) -> None:
    compared("mobiles", MOBILES, MOBILE_COUNTS, processes)
    reached(processes)


CONTESTANTS: dict[str, tuple[str, int, bool, dict[str, Any]]] = {
    "linas": ("linas", 350, False, {}),
    "linas, populations of 50": ("linas", 350, False, {"population": 50}),
    "linas, auto": ("linas", 350, False, {"predictor": "auto"}),
    "linas, ridge": ("linas", 350, False, {"predictor": "ridge"}),
    "linas, latency known": ("linas", 350, True, {}),
    "nat": ("nat", 350, False, {}),
    "oneshot": ("oneshot", 350, False, {}),
    "nsga2": ("nsga2", 2000, False, {}),
    "nsga2, no crossover": ("nsga2", 2000, False, {"crossover": 0.0}),
    "random": ("random", 2000, False, {}),
}


def reached(processes: int) -> None:
    """Evaluations until the hypervolume that others reach with 2,000, and how many times fewer.

    Each seed against the mean of NSGA-II over seeds.
    """
    jobs = {
        (name, label): runs(name, engine, evaluations, free, **settings)
        for name in MOBILES
        for label, (engine, evaluations, free, settings) in CONTESTANTS.items()
    }
    results([job for each in jobs.values() for job in each], processes)
    rows, facts = [], []
    for (name, label), own in jobs.items():
        found = found_by(own, processes)
        row: list[str] = [name, label]
        for rival in ("nsga2", "nsga2, no crossover", "random"):
            theirs = found_by(jobs[name, rival], processes)
            target = np.mean([shares(name, values, [2000])[0] for values in theirs]) * whole(name)
            needed = [evaluations_to_reach(values, corner_of(name), target) for values in found]
            row.append(_needed(needed))
            facts.append({"platform": name, "engine": label, "rival": rival, "evaluations": needed})
        rows.append(tuple(row))
    columns = ("platform", "engine", "as nsga2 at 2,000", "as nsga2 without crossover", "as random")
    report("engines_reached", columns, rows, reached=facts)


def _needed(needed: Sequence[int | None]) -> str:
    """Mean and standard error, times fewer than 2,000; how many seeds got there."""
    known = [each for each in needed if each is not None]
    if not known:
        return "not reached"
    missing = "" if len(known) == len(needed) else f" ({len(known)} of {len(needed)})"
    error = np.std(known, ddof=1) / np.sqrt(len(known)) if len(known) > 1 else 0.0
    return f"{np.mean(known):.0f} ± {error:.0f}, {2000 / np.mean(known):.1f}x{missing}"


OPERATORS: dict[str, dict[str, float]] = {
    "NAT's: crossover 0.9, mutation 0.1, eta 1": {},
    "no crossover": {"crossover": 0.0},
    "eta 3": {"eta": 3.0},
    "eta 10": {"eta": 10.0},
    "eta 20": {"eta": 20.0},
    "mutation 0.02": {"mutation": 0.02},
    "mutation 0.05": {"mutation": 0.05},
    "mutation 0.2": {"mutation": 0.2},
    "mutation 0.4": {"mutation": 0.4},
}


def operators(processes: int) -> None:
    """NSGA-III with NAT's operators and others, on true values."""
    jobs = {
        (name, label): runs(name, "nsga3", 2000, **settings)
        for name in MOBILES
        for label, settings in OPERATORS.items()
    }
    results([job for each in jobs.values() for job in each], processes)
    rows, facts = [], []
    for label in OPERATORS:
        row = [label]
        for name in MOBILES:
            found = found_by(jobs[name, label], processes)
            own = np.array([shares(name, values, [500, 2000]) for values in found])
            row += [text(own[:, 0]), text(own[:, 1])]
            facts.append({"platform": name, "operators": label, "shares": own.tolist()})
        rows.append(tuple(row))
    columns = [f"{name} at {count}" for name in MOBILES for count in (500, 2000)]
    report("engines_operators", ("operators", *columns), rows, shares=facts)


def many(processes: int) -> None:
    """IGD to the true front of DTLZ1 after so many evaluations."""
    numbers = (3, 5, 8, 10, 15)
    jobs = {
        (n, engine): [Dtlz1("dtlz1", seed, engine, n) for seed in SEEDS]
        for n in numbers
        for engine in ("nsga3", "nsga2")
    }
    results([job for each in jobs.values() for job in each], processes)
    rows, facts = [], []
    for n in numbers:
        row = [str(n)]
        for engine in ("nsga3", "nsga2"):
            found = np.array([each["igd"] for each in results(jobs[n, engine], processes)])
            row.append(text(found))
            facts.append({"objectives": n, "engine": engine, "igd": found.tolist()})
        rows.append(tuple(row))
    report("engines_many", ("objectives", "NSGA-III", "NSGA-II"), rows, igd=facts)


def cost(_: int) -> None:
    """CPU seconds of whole searches of 350 evaluations on one thread, evaluation itself free."""
    rows = []
    linas = [("linas", settings, name) for settings in ({}, {"population": 50}) for name in MOBILES]
    for engine, settings, name in [*linas, ("nat", {}, MOBILES[0])]:
        problem = problem_of(name)
        problem.values(problem.space.sample(10, np.random.default_rng(0)))
        with one_thread():
            began = process_time()
            evaluated_by(engine_for(engine, problem, 0, **settings), problem, 350)
            spent = process_time() - began
        rows.append((engine, str(settings or "defaults"), name, f"{spent:.1f}"))
    report("engines_cost", ("engine", "settings", "platform", "CPU s"), rows)


PARTS = {
    "cells": cells,
    "mobiles": mobiles,
    "operators": operators,
    "many": many,
    "travel": travel,
    "cost": cost,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[*PARTS])
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    for part in given.parts:
        PARTS[part](given.processes)


if __name__ == "__main__":
    main()
