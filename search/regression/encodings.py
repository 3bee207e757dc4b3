"""Genes as columns of numbers.

Choices of a gene are ordered by the MACs they cost. One-hot genes forget that order; a place
between 0 and 1, as NAT has it, holds nothing else. Columns that tell whether a gene is at least
some choice hold both: a linear model of them has a coefficient for each step up, and few rows
draw neighbouring choices together. Inactive genes are 0 in all columns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nasprof.typing import Array
from spaces import Genes, Space

Encoding: TypeAlias = Callable[[Space, Genes], Array]


def steps(space: Space, genes: Genes) -> Array:
    """Whether a gene is active and at least each of its choices: ``(n, n_choices.sum())``."""
    genes_of = np.repeat(np.arange(space.n_genes), space.n_choices)
    levels = np.concatenate([np.arange(choices) for choices in space.n_choices])
    reached: Array = (np.where(space.active(genes), genes, -1)[:, genes_of] >= levels).astype(float)
    return reached


def places(space: Space, genes: Genes) -> Array:
    """The place of a gene among its choices, above 0 up to 1: ``(n, n_genes)``."""
    found: Array = np.where(space.active(genes), (genes + 1.0) / space.n_choices, 0.0)
    return found


def choices(space: Space, genes: Genes) -> Array:
    """One-hot genes and their places: ``(n, n_choices.sum() + n_genes)``."""
    return np.concatenate([space.onehot(genes), places(space, genes)], 1, dtype=np.float64)


@dataclass(frozen=True)
class Columns:
    """The columns of an encoding that differ among some architectures.

    What never varied says nothing of what happens when it does.

    Args:
        varied: numbers of the columns, ``(n_columns,)``.
    """

    encoding: Encoding
    space: Space
    varied: NDArray[np.intp]

    @classmethod
    def of(cls, encoding: Encoding, space: Space, genes: Genes) -> Self:
        """Those that differ among architectures ``(n, n_genes)``."""
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
