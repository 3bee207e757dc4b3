"""Random architectures without replacement."""

from __future__ import annotations

import numpy as np

from spaces.base import Genes, Sampling, Space

_ATTEMPTS = 100


def sample_distinct(
    space: Space,
    n: int,
    rng: np.random.Generator,
    strategy: Sampling = "uniform",
    seen: set[bytes] | None = None,
) -> Genes:
    """Up to ``n`` architectures ``(m, n_genes)``, canonical, none of them drawn before.

    Fewer where the space has no more, or no more are met with in a hundred draws.

    Args:
        space: where they are from.
        n: how many there should be.
        rng: the only source of randomness.
        strategy: as of :meth:`spaces.Space.sample`.
        seen: genes as bytes that are not drawn; those that are drawn are added.

    Returns:
        Canonical genes.

    Example:
        >>> from spaces import get_space
        >>> cells = get_space("nasbench201")
        >>> sample_distinct(cells, 3, np.random.default_rng(0)).shape
        (3, 6)
    """
    seen = set() if seen is None else seen
    n = min(n, space.size - len(seen))
    rows: list[Genes] = []
    for _ in range(_ATTEMPTS):
        missing = n - len(rows)
        if missing <= 0:
            break
        for row in space.sample(2 * missing, rng, strategy):
            if len(rows) < n and row.tobytes() not in seen:
                seen.add(row.tobytes())
                rows.append(row)
    return np.array(rows, np.int8).reshape(len(rows), space.n_genes)
