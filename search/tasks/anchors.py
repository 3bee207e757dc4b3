"""Cells that every task has, so that tasks can be compared by the same networks."""

from __future__ import annotations

import numpy as np

from search.tasks.connected import connected
from spaces import Genes, get_space

ANCHORS: Genes = np.array(
    [
        [4, 4, 4, 4, 4, 4],  # all 3x3 convolutions
        [3, 3, 3, 3, 3, 3],  # all 1x1 convolutions
        [4, 0, 4, 1, 0, 4],  # three convolutions in a row, with a shortcut: ResNet's
        [2, 1, 4, 2, 4, 3],  # pooling beside convolutions
        [4, 0, 0, 1, 3, 0],  # shallow
    ],
    np.int8,
)
"""``(5, 6)``, of ``nasbench201``."""


def drawn_cells(n: int, rng: np.random.Generator) -> Genes:
    """Distinct cells of chance from input to output, none of them an anchor: ``(n, 6)``."""
    space = get_space("nasbench201")
    known = {row.tobytes() for row in ANCHORS}
    cells: list[Genes] = []
    while len(cells) < n:
        (row,) = space.sample(1, rng)
        if row.tobytes() not in known and connected(row[None])[0]:
            known.add(row.tobytes())
            cells.append(row)
    return np.array(cells, np.int8).reshape(n, space.n_genes)
