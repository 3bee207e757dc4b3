"""The demo space and the images of the benchmarks of supernets."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from spaces import Genes, Space, get_space
from supernets import DataSet, read_data

SETTINGS = {
    "resolution": 28,
    "classes": 10,
    "in_channels": 1,
    "stem_width": 8,
    "stem_stride": 2,
    "stage_widths": (8, 16, 24, 32, 48),
    "stage_strides": (1, 2, 2, 1, 1),
    "head_widths": (144, 192),
}
"""Of a space of 113 to 597 thousand parameters and 1.3 to 8.8 million MACs."""
TRAININGS = Path("out/benchmarks/supernet")
"""Where trained supernets are kept, so that other parts need not train them again."""


def demo_space() -> Space:
    """OFA's MobileNetV3 space at 28 pixels."""
    return get_space("ofa-mbv3", **SETTINGS)


@cache
def fashion(seed: int = 0) -> DataSet:
    """Fashion-MNIST: 60,000 images to train and validate on, 10,000 to test."""
    return read_data("fashion-mnist", (28, 28, 1), seed=seed)


def middle_network(space: Space) -> Genes:
    """Of 101 random networks the one of median MACs ``(n_genes,)``."""
    genes = space.sample(101, np.random.default_rng(7))
    row: Genes = genes[np.argsort(space.macs(genes))[50]]
    return row


def checkpoint(seconds: float, seed: int, scheme: str = "uniform") -> Path:
    """Where the supernet of a training is kept."""
    return TRAININGS / f"{scheme}-{seconds:g}s-{seed}.safetensors"
