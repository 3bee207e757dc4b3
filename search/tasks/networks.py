"""The networks that tasks are solved with, and what they cost."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from search.tasks.task import SIDE
from spaces import Genes, Space, get_space
from spaces.graph import Network

CHANNELS, CELLS = 8, 1


@lru_cache(maxsize=64)
def task_space(n_classes: int) -> Space:
    """The space of a task's networks."""
    return get_space(
        "nasbench201", resolution=SIDE, classes=n_classes, channels=CHANNELS, cells=CELLS
    )


def task_network(genes: Genes, n_classes: int) -> Network:
    """The network of a cell ``(6,)``."""
    return task_space(n_classes).network(genes)


@lru_cache(maxsize=100_000)
def task_costs(genes: tuple[int, ...], n_classes: int) -> tuple[int, int]:
    """Parameters and MACs of a cell's network."""
    space, rows = task_space(n_classes), np.array([genes], np.int8)
    return int(space.params(rows)[0]), int(space.macs(rows)[0])
