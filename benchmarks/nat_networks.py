"""Networks that transfers end with: for each data set a small, a middle and a large one."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from common import mean_and_error, report
from nat_common import Kept, add_common_arguments, length_of
from nat_methods import tuned
from nat_table import BUDGETS, best_within

from spaces import parse_arch

NAMES = {"S": BUDGETS[0], "M": BUDGETS[2], "L": float("inf")}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which data sets."""
    add_common_arguments(parser)
    parser.add_argument("--data", default="letters,animals,glyphs", help="separated by commas")


def measure(given: argparse.Namespace) -> None:
    """A row a network."""
    rows = []
    for data in given.data.split(","):
        fronts = [
            Kept("nat", (data,), seed, length_of(given), recipe=tuned("nat")).record["front"]
            for seed in given.seeds
        ]
        for name, budget in NAMES.items():
            chosen = [best_within(front, budget) for front in fronts]
            facts = [_facts(one) for one in chosen if one is not None]
            columns = zip(*facts, strict=True)
            rows.append([f"NAT-{name}, {data}", *(mean_and_error(list(one)) for one in columns)])
    columns = ("", "pixels", "MACs, M", "parameters, k", "validation top-1 %", "test top-1 %")
    report("nat_networks", columns, rows, seeds=given.seeds)


def _facts(network: Mapping[str, Any]) -> tuple[float, ...]:
    space, arch = parse_arch(network["arch"])
    parameters = float(space.params(space.encode([arch]))[0])
    return (
        float(arch["resolution"]),
        network["values"]["macs"] / 1e6,
        parameters / 1e3,
        network["validation_top1"],
        network["test_top1"],
    )
