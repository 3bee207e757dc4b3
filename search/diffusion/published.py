"""The matrices that DiffusionNAG and POMONAG encode architectures in, for comparison.

An et al. 2024, Appendix C, and its code: cells of NAS-Bench-201 are 8 nodes (input, the operations
of 6 edges, output) of 7 types; networks of OFA's MobileNetV3 are 20 blocks of 9 types, each a
kernel size with an expansion ratio, and blocks that are not there are rows of zeros.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from nasprof.errors import UsageError
from nasprof.typing import Flags
from search.diffusion.encodings import EMPTY, Encoding
from spaces import Genes, Space
from spaces.mobilenetv3 import MobileNetV3Space
from spaces.nasbench201 import NasBench201Space


class CellEncoding(Encoding):
    """A cell as 8 nodes of 7 types; the first and the last are its input and its output."""

    @property
    def allowed(self) -> Flags:
        return np.ones((self.space.n_genes + 2, int(self.space.n_choices[0]) + 2), np.bool_)

    def classes(self, genes: Genes) -> NDArray[np.int64]:
        ends = np.zeros((len(genes), 1), np.int64)
        return np.concatenate([ends, genes.astype(np.int64) + 1, ends + self.shape[1] - 1], 1)

    def genes(self, classes: NDArray[np.int64]) -> tuple[Genes, Flags]:
        last = self.shape[1] - 1
        inner = classes[:, 1:-1]
        valid: Flags = (classes[:, 0] == 0) & (classes[:, -1] == last)
        valid &= ((inner > 0) & (inner < last)).all(1)
        return (inner.clip(1, last - 1) - 1).astype(np.int8), valid


class BlockEncoding(Encoding):
    """A network as a row a block: kernel size with expansion ratio, or that it is not there.

    Raises:
        UsageError: the space is not of networks with such blocks.
    """

    def __init__(self, space: Space) -> None:
        super().__init__(space)
        if not isinstance(space, MobileNetV3Space):
            raise UsageError(
                f"{space.label} is not made of stages of blocks, which this encoding is of",
                "Take encoding 'genes'.",
            )
        self._space = space
        self._kernels, self._ratios = len(space.kernel_choices), len(space.expand_choices)
        self._types = self._kernels * self._ratios

    @property
    def _absent(self) -> int:
        return EMPTY if self.empty_rows else self._types

    @property
    def allowed(self) -> Flags:
        """A stage's first blocks are always there."""
        stage = np.arange(self._space.max_depth)
        may_be_absent = np.tile(stage >= min(self._space.depth_choices), self._space.n_stages)
        allowed = np.ones((self._space.n_blocks, self._types + (not self.empty_rows)), np.bool_)
        if not self.empty_rows:
            allowed[:, -1] = may_be_absent
        return allowed

    def classes(self, genes: Genes) -> NDArray[np.int64]:
        _, kernels, ratios = self._space.choices(genes, inactive=-1)
        there = kernels >= 0
        kernel = np.searchsorted(self._space.kernel_choices, np.where(there, kernels, 0))
        ratio = np.searchsorted(self._space.expand_choices, np.where(there, ratios, 0))
        return np.where(there, kernel * self._ratios + ratio, self._absent).astype(np.int64)

    def genes(self, classes: NDArray[np.int64]) -> tuple[Genes, Flags]:
        space = self._space
        there = (classes != self._absent).reshape(-1, space.n_stages, space.max_depth)
        counts = there.sum(2)
        # No block after one that is not there, and as many as there may be.
        valid: Flags = (np.diff(there.astype(np.int8), axis=2) <= 0).all((1, 2))
        valid &= np.isin(counts, space.depth_choices).all(1)
        depths = np.array(space.depth_choices)
        nearest = depths[np.abs(counts[:, :, None] - depths).argmin(2)]
        types = classes.clip(0, self._types - 1)
        kernels = np.array(space.kernel_choices)[types // self._ratios]
        ratios = np.array(space.expand_choices)[types % self._ratios]
        return space.from_choices(nearest, kernels, ratios), valid


class ZeroRowEncoding(BlockEncoding):
    """The same with rows of zeros for blocks that are not there, as published."""

    empty_rows: ClassVar[bool] = True


def published(space: Space) -> Encoding:
    """The published matrix of a space.

    Raises:
        UsageError: none was published.
    """
    if isinstance(space, NasBench201Space):
        return CellEncoding(space)
    return ZeroRowEncoding(space)
