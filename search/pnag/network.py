"""The generator's policy with gradients, in torch; see :mod:`search.pnag.policy`."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from search.pnag.policy import Float32, Policy, n_tokens, tokens
from spaces import Genes, Space

_MASKED = -1e9


class PolicyNetwork(nn.Module):  # type: ignore[misc]  # torch is not typed here
    """log pi(architecture | budget) and its entropy.

    Args:
        knots: K, the number of budgets with embeddings of their own.
        embedding: E, length of the embeddings.
        hidden: H, size of the LSTM.
        seed: of the initial weights.
    """

    def __init__(self, space: Space, knots: int, embedding: int, hidden: int, seed: int) -> None:
        super().__init__()
        self.space = space
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.tokens = nn.Embedding(n_tokens(space), embedding)
            self.budgets = nn.Linear(knots, embedding, bias=False)
            nn.init.normal_(self.budgets.weight)
            self.lstm = nn.LSTM(embedding, hidden, batch_first=True)
            choices = int(space.n_choices.max())
            self.heads = nn.Parameter(torch.randn(space.n_genes, choices, hidden) * hidden**-0.5)
            self.head_bias = nn.Parameter(torch.zeros(space.n_genes, choices))
        beyond = np.arange(choices) >= space.n_choices[:, None]
        self.register_buffer("beyond", torch.from_numpy(beyond), persistent=False)

    def forward(self, genes: Genes, budgets: Float32) -> tuple[Tensor, Tensor]:
        """Log-probability and entropy of each architecture ``(n,)``, over its active genes.

        Args:
            genes: ``(n, n_genes)``.
            budgets: their representation, ``(n, K)``.
        """
        active = torch.from_numpy(self.space.active(genes).astype(np.float32))
        read = self.tokens(torch.from_numpy(tokens(self.space, genes)))
        budget_input = self.budgets(torch.from_numpy(budgets))
        hidden, _ = self.lstm(read + budget_input[:, None])
        logits = torch.einsum("ngh,gch->ngc", hidden, self.heads) + self.head_bias
        logs = logits.masked_fill(self.beyond, _MASKED).log_softmax(-1)
        chosen = logs.gather(-1, torch.from_numpy(genes.astype(np.int64))[..., None])[..., 0]
        entropy = -(logs.exp() * logs).sum(-1)
        return (chosen * active).sum(1), (entropy * active).sum(1)

    def policy(self) -> Policy:
        """The policy as it is now."""
        with torch.no_grad():
            weights: dict[str, NDArray[np.float32]] = {
                "tokens": self.tokens.weight.numpy().copy(),
                "budgets": self.budgets.weight.T.numpy().copy(),
                "input": self.lstm.weight_ih_l0.numpy().copy(),
                "hidden": self.lstm.weight_hh_l0.numpy().copy(),
                "bias": (self.lstm.bias_ih_l0 + self.lstm.bias_hh_l0).numpy().copy(),
                "heads": self.heads.numpy().copy(),
                "head_bias": self.head_bias.numpy().copy(),
            }
        return Policy(self.space, weights)
