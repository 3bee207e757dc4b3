"""Whether inherited accuracy ranks networks as training each of them alone does."""

from __future__ import annotations

import argparse

import numpy as np
import torch
from common import report
from scipy.stats import kendalltau, spearmanr
from supernet_common import checkpoint, demo_space, fashion
from torch.nn import functional

from nasprof.classification import accuracy
from supernets import Evaluator, Subnet, Supernet, read_supernet
from supernets.data import DataSet, Loader
from supernets.data.augmentation import Augmentation


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which supernet, and how the networks are trained alone."""
    parser.add_argument("--seconds", type=float, default=300, help="of the supernet's training")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--networks", type=int, default=12)
    parser.add_argument("--steps", type=int, default=1500)


def measure(given: argparse.Namespace) -> None:
    """Inherit, train alone, compare."""
    torch.set_num_threads(1)
    space, data = demo_space(), fashion()
    supernet, card = read_supernet(checkpoint(given.seconds, given.seed))
    evaluator = Evaluator(supernet, card, data)
    genes = space.sample(given.networks, np.random.default_rng(11), "biased")
    inherited, alone, rows = [], [], []
    for row in genes:
        inherited.append(evaluator.evaluate(row).accuracy.top1)
        alone.append(_alone(row, evaluator, data, given.steps))
        rows.append(
            [f"{space.macs(row[None])[0] / 1e6:.2f}", f"{inherited[-1]:.2f}", f"{alone[-1]:.2f}"]
        )
    report(
        "supernet_ranking", ("M MACs", "inherited", "trained alone"), rows,
        spearman=float(spearmanr(inherited, alone).statistic),
        kendall=float(kendalltau(inherited, alone).statistic),
        macs_spearman=float(spearmanr(space.macs(genes), alone).statistic),
        steps=given.steps,
    )  # fmt: skip
    print(f"Spearman {spearmanr(inherited, alone).statistic:.3f}, "
          f"MACs alone {spearmanr(space.macs(genes), alone).statistic:.3f}")  # fmt: skip


def _alone(row: np.ndarray, evaluator: Evaluator, data: DataSet, steps: int) -> float:
    """Top-1 of one network trained from nothing."""
    space = demo_space()
    fresh = Supernet(space, rng=np.random.default_rng(0)).train()
    optimiser = torch.optim.AdamW(fresh.parameters(), 1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    loader = Loader(data, 64, seed=0, augmentation=Augmentation.none())
    for _ in range(steps):
        images, labels = next(loader)
        optimiser.zero_grad()
        functional.cross_entropy(fresh(images, row), labels).backward()
        optimiser.step()
        schedule.step()
    subnet: Subnet = fresh.eval().subnet(row)
    return accuracy(evaluator.logits(evaluator.recalibrate(subnet)), evaluator.labels).top1
