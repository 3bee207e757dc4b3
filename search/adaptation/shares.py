"""Equal shares of an archive for small and large networks, and what is trained after it.

NAT's archive is kept by fronts and reference directions alone. Where small networks are nearly as
accurate as large ones it shrinks to the smallest within a few iterations, and with it what is
trained; equal shares of ranges of another objective keep it spread.
"""

from __future__ import annotations

import numpy as np

from nasprof.typing import Array, Indices
from search.engines.base.population import spread_survivors
from spaces import Genes, Space
from supernets.training.gene_distribution import GeneDistribution


def range_of(sizes: Array, ends: tuple[float, float], ranges: int) -> Indices:
    """Which of so many ranges, equally wide on a logarithmic scale, each size is in: ``(n,)``.

    Args:
        sizes: positive, ``(n,)``; what is not is in the first range.
        ends: the least and the largest there are.

    >>> range_of(np.array([1.0, 9.0, 11.0, 100.0]), (1.0, 100.0), 2).tolist()
    [0, 0, 1, 1]
    """
    low, high = ends
    if ranges == 1 or not 0 < low < high:
        return np.zeros(len(sizes), np.intp)
    positive = np.where(np.isfinite(sizes) & (sizes > 0), sizes, low)
    share = np.log(positive / low) / np.log(high / low)
    numbers: Indices = np.clip((share * ranges).astype(np.intp), 0, ranges - 1)
    return numbers


def spread(
    values: Array, groups: Indices, worst: Array, n: int, rng: np.random.Generator
) -> Indices:
    """Rows of ``n`` networks, as many of each group as there can be, the best of each.

    Args:
        values: objectives to be minimised, ``(m, n_objectives)``.
        groups: the range that each is in, ``(m,)``.
        worst: largest allowed value of each objective, or inf.

    Returns:
        ``(n,)``, or all there are, ascending.
    """
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    sizes = _filled([len(rows) for rows in members], n)
    chosen = [
        rows[spread_survivors(values[rows], worst, size, rng)]
        for rows, size in zip(members, sizes, strict=True)
        if size
    ]
    return np.sort(np.concatenate(chosen)) if chosen else np.empty(0, np.intp)


def _filled(available: list[int], n: int) -> list[int]:
    """How many to take of each group: equally many, and more where others have too few."""
    taken = [0] * len(available)
    left = min(n, sum(available))
    while left:
        open_groups = [g for g, most in enumerate(available) if taken[g] < most]
        for group in sorted(open_groups, key=lambda g: taken[g])[:left]:
            taken[group] += 1
            left -= 1
    return taken


def distribution(
    space: Space, archive: Genes, groups: Indices, efforts: Array, front: Indices, focus: float
) -> GeneDistribution:
    """What is trained to follow an archive ``(n, n_genes)``: Eq. 3, for each of its ranges.

    A range has a share of the training that is the smaller, the more effort its networks are: where
    efforts are equal, so are shares.

    Args:
        space: of the archive.
        archive: canonical.
        groups: the range that each network is in, ``(n,)``.
        efforts: what a step of each is relative to the others, ``(n,)``.
        front: rows of those that none dominates, ``(m,)``; none where no values are known.
        focus: share of the training that follows the front alone, range by range.
    """
    everything = np.arange(len(archive))
    parts = [(front, focus), (everything, 1 - focus)] if len(front) else [(everything, 1.0)]
    archives, weights = [], []
    for rows, share in parts:
        ranges = [rows[groups[rows] == group] for group in np.unique(groups[rows])]
        own = np.array([1 / efforts[one].mean() for one in ranges])
        archives += [archive[one] for one in ranges]
        weights += (share * own / own.sum()).tolist()
    return GeneDistribution.of(space, archives, weights)
