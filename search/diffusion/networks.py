"""Networks that see noisy architectures: what denoises them, and what predicts their objectives."""

from __future__ import annotations

from math import pi

import torch
from torch import Tensor, nn
from torch.nn import functional

_FREQUENCIES = 16


class LevelEmbedding(nn.Module):  # type: ignore[misc]  # torch is not typed here
    """A noise level between 0 and 1 as sines and cosines, then linearly: ``(n, width)``."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("frequencies", pi * 2.0 ** torch.linspace(-1, 5, _FREQUENCIES), False)
        self.linear = nn.Linear(2 * _FREQUENCIES, width)

    def forward(self, levels: Tensor) -> Tensor:
        angles = levels[:, None] * self.frequencies
        embedded: Tensor = self.linear(torch.cat([angles.sin(), angles.cos()], 1))
        return embedded


class Residual(nn.Module):  # type: ignore[misc]
    """``h + W2 silu(W1 norm(h) + e)``."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.into = nn.Linear(width, width)
        self.out = nn.Linear(width, width)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, hidden: Tensor, embedded: Tensor) -> Tensor:
        added: Tensor = self.out(functional.silu(self.into(self.norm(hidden)) + embedded))
        return hidden + added


class ResidualMlp(nn.Module):  # type: ignore[misc]
    """A multi-layer perceptron on noisy architectures, with residual blocks.

    Args:
        inputs: length of a noisy architecture.
        outputs: length of what it says.
        conditions: length of a condition; 0 for none.
        width: of hidden layers.
        blocks: residual ones.
    """

    def __init__(self, inputs: int, outputs: int, conditions: int, width: int, blocks: int) -> None:
        super().__init__()
        self.first = nn.Linear(inputs, width)
        self.level = LevelEmbedding(width)
        self.condition = nn.Linear(conditions, width) if conditions else None
        self.mixed = nn.Linear(width, width)
        self.blocks = nn.ModuleList(Residual(width) for _ in range(blocks))
        self.norm = nn.LayerNorm(width)
        self.last = nn.Linear(width, outputs)

    def forward(self, noisy: Tensor, levels: Tensor, conditions: Tensor | None = None) -> Tensor:
        """``(n, outputs)``.

        Args:
            noisy: ``(n, inputs)``.
            levels: of noise, ``(n,)``.
            conditions: ``(n, conditions)``.
        """
        embedded = self.level(levels)
        if self.condition is not None and conditions is not None:
            embedded = embedded + self.condition(conditions)
        embedded = self.mixed(functional.silu(embedded))
        hidden = self.first(noisy)
        for block in self.blocks:
            hidden = block(hidden, embedded)
        said: Tensor = self.last(functional.silu(self.norm(hidden)))
        return said
