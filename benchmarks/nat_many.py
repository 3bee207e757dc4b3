"""Many objectives: four on one data set, and one architecture for several data sets."""

from __future__ import annotations

import argparse

from common import report
from nat_common import Kept, add_common_arguments, length_of
from nat_methods import tuned


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing but seeds and length, of which each data set has as much."""
    add_common_arguments(parser)


def measure(given: argparse.Namespace) -> None:
    """A row a network of the trade-off choice."""
    rows = []
    runs = {
        "four objectives": (("letters",), "top1,macs,params,latency@cpu"),
        "several data sets": (("letters", "mnist", "animals", "fashion-mnist"), "top1,macs"),
    }
    for name, (data, objectives) in runs.items():
        for seed in given.seeds:
            length = {unit: value * len(data) for unit, value in length_of(given).items()}
            record = Kept(
                name.replace(" ", "-"), data, seed, length,
                recipe=tuned("nat"), objectives=objectives,
            ).record  # fmt: skip
            chosen = [record["front"][index] for index in record["trade_off"]]
            for one in chosen:
                test = one["test_top1"]
                several = test if isinstance(test, list) else [test]
                rows.append([
                    name, seed, len(record["front"]), f"{record['cpu_s']:.0f}",
                    " / ".join(f"{accuracy:.1f}" for accuracy in several),
                    ", ".join(
                        f"{key} {value:.4g}" for key, value in one["values"].items()
                        if not key.startswith("top1")
                    ),
                ])  # fmt: skip
    columns = ("", "seed", "front", "CPU s", "test top-1 % of the trade-off", "other objectives")
    report("nat_many", columns, rows, seeds=given.seeds)
