"""Architectures as rows of classes, and back: what diffusion adds noise to.

An architecture is a matrix of one-hot rows. Whether a drawn matrix is an architecture at all is
decided here, by the rows as they are drawn: nothing is repaired before it is counted.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from nasprof.registry import Registry
from nasprof.typing import Flags
from spaces import Genes, Space

_PROBES = 1024

EMPTY = -1
"""Class of a row that has none: all its entries are those of classes not chosen."""


class Encoding(ABC):
    """Genes ``(n, n_genes)`` as classes of rows ``(n, rows)`` and back.

    Args:
        space: of the architectures.
    """

    empty_rows: ClassVar[bool] = False
    """Whether rows may be without a class."""

    def __init__(self, space: Space) -> None:
        self.space = space

    @property
    @abstractmethod
    def allowed(self) -> Flags:
        """Which classes each row can have: ``(rows, classes)``."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and classes."""
        rows, classes = self.allowed.shape
        return rows, classes

    @abstractmethod
    def classes(self, genes: Genes) -> NDArray[np.int64]:
        """Canonical genes ``(n, n_genes)`` as the class of each row: ``(n, rows)``."""

    @abstractmethod
    def genes(self, classes: NDArray[np.int64]) -> tuple[Genes, Flags]:
        """Canonical genes ``(n, n_genes)`` nearest to classes, and which were architectures.

        Args:
            classes: ``(n, rows)``, as drawn.
        """


class GeneEncoding(Encoding):
    """A row a gene: its choice, or one class more where it is inactive.

    That class makes architectures of fewer blocks as plain to draw as others: rows of zeros, as
    they were published for blocks that are not there, are hit by next to nothing
    (``benchmarks/pomonag.py``).
    """

    def __init__(self, space: Space) -> None:
        super().__init__(space)
        probes = space.sample(_PROBES, np.random.default_rng(0), "uniform")
        self._may_rest = ~space.active(probes).all(0)
        self._inactive = int(space.n_choices.max())
        classes = self._inactive + bool(self._may_rest.any())
        self._allowed = np.arange(classes) < space.n_choices[:, None]
        self._allowed[self._may_rest, -1] = True

    @property
    def allowed(self) -> Flags:
        return self._allowed

    def classes(self, genes: Genes) -> NDArray[np.int64]:
        return np.where(self.space.active(genes), genes, self._inactive).astype(np.int64)

    def genes(self, classes: NDArray[np.int64]) -> tuple[Genes, Flags]:
        inactive = classes == self._inactive
        genes = np.where(inactive, 0, classes).clip(0, self.space.n_choices - 1).astype(np.int8)
        valid: Flags = (self.space.active(genes) == ~inactive).all(1)
        return self.space.canonical(genes), valid


encodings: Registry[Callable[[Space], Encoding]] = Registry(
    "encoding",
    {
        "blocks": "search.diffusion.published:BlockEncoding",
        "genes": "search.diffusion.encodings:GeneEncoding",
        "published": "search.diffusion.published:published",
    },
)
"""What encodes the architectures of a space, by name."""
