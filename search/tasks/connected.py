"""Cells whose output depends on their input."""

from __future__ import annotations

import numpy as np

from nasprof.typing import Flags
from spaces import Genes
from spaces.nasbench201_forms import EDGES


def connected(genes: Genes) -> Flags:
    """Whether operations lead from the input of each cell ``(n, 6)`` to its output: ``(n,)``.

    >>> connected(np.array([[0, 0, 4, 0, 4, 4], [0, 0, 0, 1, 0, 0]], np.int8)).tolist()
    [False, True]
    """
    reached = np.zeros((len(genes), 4), np.bool_)
    reached[:, 0] = True
    for number, (target, source) in enumerate(EDGES):
        reached[:, target] |= reached[:, source] & (genes[:, number] > 0)
    return reached[:, 3]
