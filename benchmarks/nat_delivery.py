"""Networks of a transfer as files, as they are and trained further alone."""

from __future__ import annotations

import argparse
import time
from tempfile import TemporaryDirectory
from typing import Any

from common import mean_and_error, report
from nat_common import KEPT, Kept, add_common_arguments, images_of, length_of
from nat_methods import tuned
from nat_table import BUDGETS, best_within

from nasprof.cli import say
from search import DeliveryOptions, DeliveryRequest, deliver
from supernets import FineTuning


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How long each is trained further."""
    add_common_arguments(parser)
    parser.add_argument("--data", default="letters")
    parser.add_argument("--epochs", type=int, default=8, help="of training further")
    parser.add_argument("--rate", type=float, default=0.02, help="its highest learning rate")
    parser.add_argument("--distillation", type=float, default=0.0)


def measure(given: argparse.Namespace) -> None:
    """A row a budget, over all seeds."""
    rows, kept = [], []
    for budget in BUDGETS[:-1]:  # within the last is hardly another network
        found = [_tuned_further(given, budget, seed) for seed in given.seeds]
        kept.extend(found)
        rows.append([
            f"{budget / 1e6:g} M",
            *(mean_and_error([one[name] for one in found]) for name in ("torch", "tuned", "gain")),
            mean_and_error([one["cpu_s"] for one in found], 0),
            f"{max(one['files'] for one in found):.2f}",
        ])  # fmt: skip
    columns = ("MACs at most", "test top-1 %", "trained further", "gain", "its CPU s", "files off")
    report(
        "nat_delivery",
        columns,
        rows,
        seeds=given.seeds,
        networks=kept,
        epochs=given.epochs,
        rate=given.rate,
        distillation=given.distillation,
    )


def _tuned_further(given: argparse.Namespace, budget: float, seed: int) -> dict[str, Any]:
    """What training further does for the best network of a transfer within a budget."""
    kept = Kept("nat", (given.data,), seed, length_of(given), recipe=tuned("nat"))
    best = best_within(kept.record["front"], budget)
    if best is None:
        raise SystemExit(f"no network of {kept.folder.name} is within {budget:g} MACs")
    found, files = {}, []
    further = FineTuning(
        epochs=given.epochs, learning_rate=given.rate, distillation=given.distillation
    )
    for name, fine_tuning in {"torch": None, "tuned": further}.items():
        options = DeliveryOptions(
            fine_tuning=fine_tuning, protocol="quick:rounds=2,runs=1", seed=seed
        )
        begun = time.process_time()
        with TemporaryDirectory() as folder:
            request = DeliveryRequest(
                kept.folder / "supernet.safetensors", images_of(given.data), best["arch"], folder,
                options=options,
            )  # fmt: skip
            made = deliver(request)
        found[f"{name} s"] = time.process_time() - begun
        found[name] = made.network.accuracy.top1
        files += [abs(file.here.accuracy.top1 - found[name]) for file in made]
    record = {
        "seed": seed, "budget": budget, "torch": found["torch"], "tuned": found["tuned"],
        "gain": found["tuned"] - found["torch"], "cpu_s": found["tuned s"] - found["torch s"],
        "files": max(files),
    }  # fmt: skip
    say(f"{kept.folder.relative_to(KEPT)}: {record}")
    return record
