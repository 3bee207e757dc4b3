"""The generator's policy pi(. | B; theta): an LSTM that writes an architecture gene by gene.

Guo et al. 2022, Sec. 3.1. Genes come in the order of the network: a stage's depth, then each of
its blocks' expansion and kernel. This is the policy as it is used: sampling, in numpy, which
needs no torch. :mod:`search.pnag.network` is the same one with gradients, for training.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from spaces import Genes, Space

PolicyWeights: TypeAlias = Mapping[str, NDArray[np.float32]]
Float32: TypeAlias = NDArray[np.float32]


def n_tokens(space: Space) -> int:
    """Number of distinct inputs: the start, an inactive gene, and every choice of every gene."""
    return 2 + int(space.n_choices.sum(dtype=np.int64))


def tokens(space: Space, genes: Genes) -> NDArray[np.int64]:
    """What the LSTM reads before each gene: the start, then the genes before: ``(n, n_genes)``."""
    chosen = _tokens_of(space, genes, space.active(genes))
    start = np.zeros((len(genes), 1), np.int64)
    return np.concatenate([start, chosen[:, :-1]], 1)


def _tokens_of(
    space: Space, genes: Genes, active: NDArray[np.bool_], gene: slice = slice(None)
) -> NDArray[np.int64]:
    starts = 2 + np.cumsum(space.n_choices, dtype=np.int64) - space.n_choices
    return np.where(active[:, gene], starts[gene] + genes[:, gene], 1)


def shapes(space: Space, knots: int) -> dict[str, tuple[int | None, ...]]:
    """Shapes of a policy's weights by name; None stands for a length to be chosen."""
    choices = int(space.n_choices.max())
    return {
        "tokens": (n_tokens(space), None),
        "budgets": (knots, None),
        "input": (None, None),
        "hidden": (None, None),
        "bias": (None,),
        "heads": (space.n_genes, choices, None),
        "head_bias": (space.n_genes, choices),
    }


@dataclass(frozen=True)
class Policy:
    """Draws architectures for budgets.

    Args:
        weights: ``tokens (n_tokens, E)``, ``budgets (K, E)``, ``input (4H, E)``,
            ``hidden (4H, H)``, ``bias (4H,)``, ``heads (n_genes, C, H)`` and
            ``head_bias (n_genes, C)``; gates in the order input, forget, cell, output.
    """

    space: Space
    weights: PolicyWeights

    def sample(self, budgets: Float32, rng: np.random.Generator) -> Genes:
        """One architecture a row of budget representations ``(n, K)``: ``(n, n_genes)``."""
        weights = self.weights
        n, n_hidden = len(budgets), weights["hidden"].shape[1]
        read = weights["tokens"] @ weights["input"].T
        budget_input = budgets @ (weights["budgets"] @ weights["input"].T) + weights["bias"]
        recurrent = np.ascontiguousarray(weights["hidden"].T)
        hidden, cell = np.zeros((2, n, n_hidden), np.float32)
        genes = np.zeros((n, self.space.n_genes), np.int8)
        draws = rng.random((self.space.n_genes, n, 1), np.float32)
        token = np.zeros(n, np.int64)
        for gene, count in enumerate(self.space.n_choices.tolist()):
            hidden, cell = _lstm(read[token] + budget_input + hidden @ recurrent, cell)
            logits = hidden @ weights["heads"][gene, :count].T + weights["head_bias"][gene, :count]
            genes[:, gene] = _draw(logits, draws[gene])
            active = self.space.active(genes)
            genes[:, gene] *= active[:, gene]
            token = _tokens_of(self.space, genes, active, slice(gene, gene + 1))[:, 0]
        return genes


def _lstm(gates: Float32, cell: Float32) -> tuple[Float32, Float32]:
    """Hidden and cell state ``(n, H)`` after the gates' sums ``(n, 4H)``."""
    width = cell.shape[1]
    # One tanh for all: sigmoid(x) = (1 + tanh(x / 2)) / 2.
    gates[:, : 2 * width] *= 0.5
    gates[:, 3 * width :] *= 0.5
    np.tanh(gates, out=gates)
    entered, kept, new, out = np.split(gates, 4, axis=1)
    cell = (0.5 + 0.5 * kept) * cell + (0.5 + 0.5 * entered) * new
    return (0.5 + 0.5 * out) * np.tanh(cell), cell


def _draw(logits: Float32, draws: Float32) -> NDArray[np.int8]:
    """One choice a row of logits ``(n, C)`` by uniform draws ``(n, 1)``."""
    shares = np.exp(logits - logits.max(1, keepdims=True))
    cumulative = np.cumsum(shares, 1)
    chosen: NDArray[np.int8] = (draws * cumulative[:, -1:] > cumulative[:, :-1]).sum(1, np.int8)
    return chosen
