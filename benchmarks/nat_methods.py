"""NAT beside what it is compared with, at equal CPU time or at equal steps."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from common import RESULTS, report
from nat_common import Kept, add_common_arguments, ends_of, length_of, source
from nat_picture import draw_fronts
from nat_table import COLUMNS, macs_range, row_of

from search.adaptation.settings import METHODS

TUNED = Path(__file__).parent / "results/nat_tuning.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which data sets and methods."""
    add_common_arguments(parser)
    parser.add_argument("--data", default="letters,animals,glyphs", help="separated by commas")
    parser.add_argument("--methods", default=",".join(METHODS), help="beside NAT, likewise")


def measure(given: argparse.Namespace) -> None:
    """A row a method and data set."""
    rows, kept = [], {}
    for data in given.data.split(","):
        transfers = {
            method: [
                Kept(method, (data,), seed, length_of(given), method, recipe=tuned(method)).record
                for seed in given.seeds
            ]
            for method in dict.fromkeys(["nat", *given.methods.split(",")])
        }
        for method, records in transfers.items():
            kept[f"{data} {method}"] = [
                {name: record[name] for name in ("front", "hypervolume", "span", "spent", "cpu_s")}
                for record in records
            ]
            rows.append([data, *row_of(method, records, transfers["nat"])])
    length = "steps" if given.steps else f"{given.seconds:g}s"
    name = f"nat_methods_{given.data.replace(',', '_')}_{length}"
    report(
        name, ("images", *COLUMNS), rows,
        seeds=given.seeds, source=ends_of(source(), "fashion-mnist"), transfers=kept,
    )  # fmt: skip
    draw_fronts(kept, macs_range(), RESULTS / f"{name}.png")


def tuned(method: str) -> dict[str, float]:
    """The learning rate that ``nat.py tuning`` has found best for a method."""
    if not TUNED.exists():
        return {}
    best: dict[str, float] = json.loads(TUNED.read_text())["best"]
    return {"learning_rate": best[method]} if method in best else {}
