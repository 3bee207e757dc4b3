"""Searches in rounds: the engine beside LINAS and NSGA-II, nothing free."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from functools import partial

import numpy as np
from engine_problems import engine_for, evaluated_by
from pomonag_common import RESULTS, Sheet, add_common_arguments, four, hv2, hv4, timed
from pomonag_picture import draw_searches

from search.problem import Problem

COUNTS = (250, 500, 800, 1000, 1256)
CURVE = tuple(range(200, 1257, 48))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which problems, seeds and engines."""
    add_common_arguments(parser, "MB")
    parser.add_argument("--engines", default="pomonag,linas,nsga2", help="separated by commas")
    parser.add_argument("--objectives", type=int, default=2, choices=(2, 4))
    parser.add_argument("--set", type=json.loads, default={}, help="settings of pomonag as JSON")


def measure(given: argparse.Namespace) -> None:
    """A row an engine."""
    columns = {f"HV{given.objectives} at {count}": 4 for count in COUNTS} | {"cpu_s": 1}
    sheet = Sheet(f"engine_{given.objectives}", ("problem", "engine"), columns)
    curves: dict[str, dict[str, list[list[float]]]] = {}
    for name in given.problems:
        problem = paid(name, given.objectives)
        problem.values(problem.space.sample(2, np.random.default_rng(0)))  # loads what it needs
        share = hv2 if given.objectives == 2 else hv4
        for engine in given.engines.split(","):
            settings = given.set if engine == "pomonag" else {}
            for seed in given.seeds:
                search = engine_for(engine, problem, seed, **settings)
                run = partial(evaluated_by, search, problem, COUNTS[-1])
                (_, values), seconds = timed(run)
                found = {
                    f"HV{given.objectives} at {count}": share(name, values[:count])
                    for count in COUNTS
                }
                sheet.add(name, engine, **found, cpu_s=seconds)
                runs = curves.setdefault(name, {}).setdefault(engine, [])
                runs.append([share(name, values[:count]) for count in CURVE])
    sheet.report(given, settings=given.set, curve_at=CURVE, curves=curves)
    draw_searches(curves, CURVE, RESULTS / f"pomonag_engine_{given.objectives}.png")


def paid(name: str, objectives: int) -> Problem:
    """Accuracy and latency measured together; parameters and MACs are known."""
    problem = four(name)
    own = [
        replace(objective, free=number >= 2)
        for number, objective in enumerate(problem.objectives[:objectives])
    ]
    return replace(problem, objectives=tuple(own))
