"""A training step at batch 64: torch's stock layout and gradients beside ours, CPU ms."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from unittest.mock import patch

import numpy as np
import torch
from common import report
from supernet_common import demo_space
from torch import Tensor
from torch.nn import functional

from spaces.ops import Conv
from supernets import Supernet, subnet

BATCH, ROUNDS = 64, 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How many random networks a round."""
    parser.add_argument("--count", type=int, default=20)


def measure(given: argparse.Namespace) -> None:
    """Take steps by turns, so that both see the same machine; report medians of rounds."""
    torch.set_num_threads(1)
    space = demo_space()
    supernet = Supernet(space).train()
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(BATCH, 1, 28, 28, generator=generator)
    labels = torch.randint(0, 10, (BATCH,), generator=generator)
    kinds = {
        "smallest": [supernet.smallest] * 5,
        "random": list(space.sample(given.count, np.random.default_rng(1))),
        "largest": [supernet.largest] * 5,
    }

    def step(genes: np.ndarray) -> None:
        functional.cross_entropy(supernet(images, genes), labels).backward()

    times: dict[tuple[str, str], list[float]] = {}
    for _ in range(ROUNDS):
        for name, mode in {"stock": stock, "ours": nullcontext}.items():
            with mode():
                step(supernet.largest)
                for kind, rows in kinds.items():
                    start = time.process_time()
                    for genes in rows:
                        step(genes)
                    spent = 1e3 * (time.process_time() - start) / len(rows)
                    times.setdefault((kind, name), []).append(spent)
    medians = {key: float(np.median(values)) for key, values in times.items()}
    rows = [
        [kind, f"{medians[kind, 'stock']:.0f}", f"{medians[kind, 'ours']:.0f}",
         f"{np.median(np.divide(times[kind, 'ours'], times[kind, 'stock'])):.2f}"]
        for kind in kinds
    ]  # fmt: skip
    report("supernet_step", ("network", "stock ms", "ours ms", "ratio in a round"), rows)


def stock() -> AbstractContextManager[object]:
    """Channels first, and torch's own gradients."""

    def contiguous(images: Tensor) -> Tensor:
        return images.contiguous()

    class Stock(subnet.TensorLayers):
        def convolve(self, op: Conv, value: Tensor) -> Tensor:
            weight = self.tensors[f"{op.param}.weight"]
            return functional.conv2d(value, weight, *self._rest(op))

    patches: Callable[..., AbstractContextManager[object]] = patch.multiple
    return patches(subnet, TensorLayers=Stock, _laid_out=contiguous)
