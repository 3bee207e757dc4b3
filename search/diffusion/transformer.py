"""The transformer over rows that POMONAG and DiffusionNAG denoise with."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from search.diffusion.networks import LevelEmbedding

HEADS = 8


class RowTransformer(nn.Module):  # type: ignore[misc]  # torch is not typed here
    """Rows of an architecture as tokens.

    An et al. 2024 (DiffusionNAG), Appendix C: 12 layers of width 64, 8 heads.

    Args:
        rows: of an architecture.
        classes: of a row.
        conditions: length of a condition; 0 for none.
        width: of tokens, a multiple of 8.
        layers: of attention.
    """

    def __init__(self, rows: int, classes: int, conditions: int, width: int, layers: int) -> None:
        super().__init__()
        self.shape = (rows, classes)
        self.first = nn.Linear(classes, width)
        self.places = nn.Parameter(0.02 * torch.randn(rows, width))
        self.level = LevelEmbedding(width)
        self.condition = nn.Linear(conditions, width) if conditions else None
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width, HEADS, 2 * width, dropout=0.0, batch_first=True, norm_first=True
            )
            for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width)
        self.last = nn.Linear(width, classes)

    def forward(self, noisy: Tensor, levels: Tensor, conditions: Tensor | None = None) -> Tensor:
        """``(n, rows * classes)``, as :class:`~search.diffusion.networks.ResidualMlp`."""
        embedded = self.level(levels)
        if self.condition is not None and conditions is not None:
            embedded = embedded + self.condition(conditions)
        tokens = self.first(noisy.reshape(-1, *self.shape)) + self.places + embedded[:, None]
        for layer in self.layers:
            tokens = layer(tokens)
        said: Tensor = self.last(self.norm(tokens)).flatten(1)
        return said
