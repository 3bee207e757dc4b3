"""The evaluator R(architecture | B; w), which learns Pareto dominance from pairs.

Guo et al. 2022, Sec. 3.2: three fully connected layers on the genes and the budget, trained with
the pairwise hinge loss of Eq. 3 on the dominance of Eq. 4.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Evaluator(nn.Module):  # type: ignore[misc]  # torch is not typed here
    """Scores architectures under budgets; only differences under one budget mean anything.

    Args:
        features: length of an architecture's one-hot genes.
        knots: K, length of a budget's representation.
        width: of the two hidden layers.
        seed: of the initial weights.
    """

    def __init__(self, features: int, knots: int, width: int, seed: int) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.genes = nn.Linear(features, width)
            self.budget = nn.Linear(knots, width, bias=False)
            self.middle = nn.Linear(width, width)
            self.score = nn.Linear(width, 1)

    def forward(self, onehot: Tensor, budgets: Tensor) -> Tensor:
        """Score of every architecture under every budget: ``(K, M)``.

        Args:
            onehot: ``(M, features)``, or ``(K, M, features)`` for others under each budget.
            budgets: their representation, ``(K, knots)``.
        """
        # The first layer of the pair (genes, budget) is the sum of its parts, computed once each.
        first = torch.relu(self.genes(onehot) + self.budget(budgets)[:, None])
        scores: Tensor = self.score(torch.relu(self.middle(first)))[..., 0]
        return scores


def hinge(scores: Tensor, rule: Tensor) -> Tensor:
    """Pairwise hinge loss, Eq. 3: the mean over all pairs of which one dominates.

    Args:
        scores: ``(K, M)``.
        rule: dominance ``(K, M, M)``.
    """
    margins = 1 - rule * (scores[:, :, None] - scores[:, None, :])
    pairs = rule.abs()
    loss: Tensor = (margins.relu() * pairs).sum() / pairs.sum().clamp(min=1)
    return loss
