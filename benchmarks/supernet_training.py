"""Accuracy of the smallest, 30 random and the largest network after so many CPU seconds."""

from __future__ import annotations

import argparse

import numpy as np
import torch
from common import mean_and_error, report, seed_list
from supernet_common import (
    TRAININGS,
    checkpoint,
    demo_space,
    fashion,
)

from supernets import Evaluator, Supernet, read_supernet
from supernets.training.history import history_path, read_history
from supernets.training.options import TrainingOptions
from supernets.training.recipe import Recipe
from supernets.training.train import train

RANDOM = 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How long, how often, by which schemes."""
    parser.add_argument("--seconds", type=float, default=150)
    parser.add_argument("--seeds", type=seed_list, default=[0, 1, 2])
    parser.add_argument("--schemes", default="uniform")
    parser.add_argument("--fresh", action="store_true")


def measure(given: argparse.Namespace) -> None:
    """Train, evaluate on the 10,000 test images, report."""
    torch.set_num_threads(1)
    rows, records = [], []
    for scheme in given.schemes.split(","):
        results = [_one(given.seconds, seed, scheme, given.fresh) for seed in given.seeds]
        records += results
        rows.append(
            [scheme, f"{np.mean([result['cpu_s'] for result in results]):.0f}",
             " ".join(str(result["steps"]) for result in results),
             *(mean_and_error([result[key] for result in results], 2)
               for key in ("smallest", "median", "largest"))]
        )  # fmt: skip
    report(
        f"supernet_training_{given.seconds:g}s",
        ("scheme", "CPU s", "steps", "smallest", f"median of {RANDOM}", "largest"),
        rows, seeds=given.seeds, trainings=records,
    )  # fmt: skip


def _one(seconds: float, seed: int, scheme: str, fresh: bool) -> dict[str, object]:
    space, data = demo_space(), fashion()
    path = checkpoint(seconds, seed, scheme)
    TRAININGS.mkdir(parents=True, exist_ok=True)
    if fresh or not path.exists():
        supernet = Supernet(space, rng=np.random.default_rng(seed))
        recipe = Recipe(scheme=scheme, seed=seed)
        options = TrainingOptions(seconds=seconds, fresh=fresh)
        train(supernet, data, recipe, checkpoint=path, options=options)
    supernet, card = read_supernet(path)
    evaluator = Evaluator(supernet, card, data)
    genes = space.sample(RANDOM, np.random.default_rng(1))
    rows = np.concatenate([[supernet.smallest], [supernet.largest], genes])
    top1 = [evaluator.evaluate(row).accuracy.top1 for row in rows]
    return {
        "seed": seed,
        "scheme": scheme,
        "cpu_s": read_history(history_path(path))[-1]["seconds"],
        "steps": card.recipe["steps"],
        "smallest": top1[0],
        "median": float(np.median(top1[2:])),
        "largest": top1[1],
        "random": top1[2:],
    }
