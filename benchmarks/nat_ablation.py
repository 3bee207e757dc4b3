"""What each part of NAT does: adaptation, distribution, equal shares, predictor, crossover.

A uniform distribution in the place of the archive's is a method: ``nat.py methods``.
"""

from __future__ import annotations

import argparse

from common import report
from nat_common import Kept, add_common_arguments, length_of
from nat_methods import tuned
from nat_table import COLUMNS, row_of

VARIANTS = {
    "nat": {},
    "one adaptation, then search": {"iterations": 1, "initial": 24, "final": 14},
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
    transfers = {
        name: [
            Kept(
                name.replace(" ", "-"), (given.data,), seed, length_of(given),
                settings=settings, recipe=tuned("nat"),
            ).record
            for seed in given.seeds
        ]
        for name, settings in VARIANTS.items()
    }  # fmt: skip
    rows = [row_of(name, records, transfers["nat"]) for name, records in transfers.items()]
    report("nat_ablation", COLUMNS, rows, seeds=given.seeds, data=given.data)
