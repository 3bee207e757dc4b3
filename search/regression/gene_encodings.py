"""Genes as columns of numbers.

Choices of a gene are ordered by the MACs they cost. One-hot genes forget that order; an ordinal
code between 0 and 1, as NAT has it, holds nothing else. A thermometer code, which tells whether a
gene is at least some choice, holds both: a linear model of it has a coefficient for each step up,
and few rows draw neighbouring choices together. Inactive genes are 0 in all columns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nasprof.typing import Array, Indices
from spaces import Genes, Space

Encoding: TypeAlias = Callable[[Space, Genes], Array]


def thermometer(space: Space, genes: Genes) -> Array:
    """Whether a gene is active and at least each of its choices: ``(n, n_choices.sum())``."""
    genes_of = np.repeat(np.arange(space.n_genes), space.n_choices)
    levels = np.concatenate([np.arange(choices) for choices in space.n_choices])
    reached: Array = (np.where(space.active(genes), genes, -1)[:, genes_of] >= levels).astype(float)
    return reached


def ordinal(space: Space, genes: Genes) -> Array:
    """The rank of a gene's choice among all it has, above 0 up to 1: ``(n, n_genes)``."""
    ranks: Array = np.where(space.active(genes), (genes + 1.0) / space.n_choices, 0.0)
    return ranks


def onehot_ordinal(space: Space, genes: Genes) -> Array:
    """One-hot genes and their ordinal codes: ``(n, n_choices.sum() + n_genes)``."""
    return np.concatenate([space.onehot(genes), ordinal(space, genes)], 1, dtype=np.float64)


def pairs_within(space: Space, part: slice, genes: Genes) -> NDArray[np.float32]:
    """One-hot genes of a group of :func:`gene_groups`, and products of two: ``(n, n_features)``.

    Args:
        space: of the architectures.
        part: its genes.
        genes: of architectures, ``(n, n_genes)``.
    """
    ends = np.cumsum(np.append(0, space.n_choices), dtype=np.int64)
    onehot = space.onehot(genes)
    several = [onehot[:, ends[i] : ends[i + 1]] for i in range(part.start, part.stop)]
    products = [
        (first[:, :, None] * second[:, None]).reshape(len(genes), -1)
        for first, second in combinations(several, 2)
    ]
    return np.concatenate([*several, *products], 1)


def column_groups(space: Space) -> Indices:
    """Columns of one-hot genes, or of thermometer codes, that share their weights in a kernel.

    Returns:
        ``(n_choices.sum(),)``, the same number for genes of the same position in their part, and
        one of its own for each gene that is in none.
    """
    sizes = [part.stop - part.start for part, _ in space.parts]
    positions = max(sizes) + np.arange(space.n_genes)
    for (part, _), size in zip(space.parts, sizes, strict=True):
        positions[part] = np.arange(size)
    numbers = np.unique(positions, return_inverse=True)[1]
    return np.repeat(numbers, space.n_choices).astype(np.intp)


@dataclass(frozen=True)
class Columns:
    """The columns of an encoding that differ among some architectures.

    What never varied says nothing of what happens when it does.

    Args:
        varied: numbers of the columns, ``(n_columns,)``.
    """

    encoding: Encoding
    space: Space
    varied: Indices

    @classmethod
    def of(cls, encoding: Encoding, space: Space, genes: Genes) -> Self:
        """Those that differ among some architectures.

        Args:
            encoding: of genes.
            space: of the architectures.
            genes: of the architectures, ``(n, n_genes)``.
        """
        return cls(encoding, space, np.flatnonzero(np.ptp(encoding(space, genes), 0)))

    def __call__(self, genes: Genes) -> Array:
        """Of architectures ``(n, n_genes)``: ``(n, n_columns)``, a column of zeros if none is."""
        if not len(self.varied):
            return np.zeros((len(genes), 1))
        return self.encoding(self.space, genes)[:, self.varied]


@dataclass(frozen=True)
class Scaling:
    """Columns of mean 0 and variance 1.

    Args:
        center: means, ``(n_columns,)``.
        unit: standard deviations, ``(n_columns,)``.
    """

    center: Array
    unit: Array

    @classmethod
    def of(cls, inputs: Array) -> Self:
        """That which inputs ``(n, n_columns)`` need."""
        unit = inputs.std(0)
        return cls(inputs.mean(0), np.where(unit > 0, unit, 1.0))

    def __call__(self, inputs: Array) -> Array:
        """Inputs ``(n, n_columns)`` in those units."""
        scaled: Array = (inputs - self.center) / self.unit
        return scaled
