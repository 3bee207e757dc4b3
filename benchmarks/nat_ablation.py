"""What each part of NAT does: adaptation, distribution, equal shares, predictor, crossover."""

from __future__ import annotations

import argparse

from common import report
from nat_common import COLUMNS, Kept, add_common_arguments, length_of, row_of
from nat_methods import tuned

VARIANTS = {
    "nat": {},
    "one adaptation, then search": {"iterations": 1, "initial": 24, "final": 14},
    "uniform distribution": {"sampling": "uniform", "final": 14},
    "the paper's distribution": {"ranges": 1, "focus": 0.0, "economy": 0.0},
    "no ranges": {"ranges": 1},
    "no focus on the front": {"focus": 0.0},
    "no economy": {"economy": 0.0},
    "no predictor": {"candidates": "bred"},
    "no crossover": {"crossover": 0.0},
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which data set."""
    add_common_arguments(parser)
    parser.add_argument("--data", default="letters")


def measure(given: argparse.Namespace) -> None:
    """A row a variant."""
    rows = []
    for name, settings in VARIANTS.items():
        records = [
            Kept(
                name.replace(" ", "-"), (given.data,), seed, length_of(given),
                settings=settings, recipe=tuned("nat"),
            ).record
            for seed in given.seeds
        ]  # fmt: skip
        rows.append(row_of(name, records))
    report("nat_ablation", COLUMNS, rows, seeds=given.seeds, data=given.data)
