"""What a predictor is told of a cell: its operations, and what follows from them."""

from __future__ import annotations

from functools import cache

import numpy as np

from nasprof.typing import Array
from search.tasks.files import cell_space
from spaces import Genes
from spaces.nasbench201_forms import EDGES, OPERATIONS

_NODES = 4
_CONVOLUTION = OPERATIONS.index("nor_conv_1x1")
N_CELL = len(EDGES) * len(OPERATIONS) + len(OPERATIONS) + 4


def cell_features(genes: Genes) -> Array:
    """Cells ``(n, 6)`` as ``(n, N_CELL)``.

    One-hot operations; how often each occurs, the longest way in edges and in convolutions,
    logarithms of MACs and parameters, these standardised over all cells.
    """
    codes = np.asarray(genes, np.intp) @ (len(OPERATIONS) ** np.arange(len(EDGES) - 1, -1, -1))
    features: Array = _every_cell()[codes]
    return features


def known_cells() -> Genes:
    """All cells, ``(15625, 6)``, in the order of their genes."""
    return np.indices((len(OPERATIONS),) * len(EDGES)).reshape(len(EDGES), -1).T.astype(np.int8)


@cache
def _every_cell() -> Array:
    cells = known_cells()
    space = cell_space()
    one_hot = np.eye(len(OPERATIONS))[cells.astype(np.intp)].reshape(len(cells), -1)
    counts = [(cells == number).sum(1) for number in range(len(OPERATIONS))]
    costs = [np.log(space.macs(cells)), np.log(space.params(cells))]
    told = np.column_stack([*counts, *_longest_ways(cells), *costs]).astype(np.float64)
    return np.concatenate([one_hot, (told - told.mean(0)) / told.std(0)], 1)


def _longest_ways(cells: Genes) -> tuple[Array, Array]:
    """Edges, and convolutions, of the way with most of them from input to output; 0 for none."""
    unreached = -float(len(EDGES))
    ways = []
    for convolutions in (False, True):
        most = np.full((len(cells), _NODES), unreached)
        most[:, 0] = 0
        for number, (target, source) in enumerate(EDGES):
            operation = cells[:, number]
            counted = operation >= _CONVOLUTION if convolutions else operation > 0
            way = np.where(operation > 0, most[:, source] + counted, unreached)
            most[:, target] = np.maximum(most[:, target], way)
        ways.append(np.maximum(most[:, -1], 0))
    return ways[0], ways[1]
