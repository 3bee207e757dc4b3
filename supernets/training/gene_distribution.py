"""Networks drawn gene by gene, as often as an archive has each choice.

Lu et al., "Neural Architecture Transfer", IEEE TPAMI 43(9), 2021, Sec. 3.4, Eq. 3: the archive is
taken for a sample of a distribution in which every gene is an independent categorical variable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from nasprof.errors import UsageError
from nasprof.typing import Array
from spaces import Genes, Space


@dataclass(frozen=True, eq=False)
class GeneDistribution:
    """Independent categorical distributions of a space's genes, or a mixture of several.

    Args:
        space: whose networks are drawn.
        shares: probability of each choice of each gene ``(k, n_genes, most_choices)``, 0 behind
            the last choice of a gene.
        weights: how often each of the k distributions is drawn from, ``(k,)``, summing to 1.

    >>> from spaces import get_space
    >>> space = get_space("nasbench201")
    >>> archive = np.array([[0, 1, 2, 3, 4, 0], [0, 1, 2, 3, 4, 1]], np.int8)
    >>> distribution = GeneDistribution.of(space, [archive])
    >>> set(map(tuple, distribution.sample(20, np.random.default_rng(0))[:, :5].tolist()))
    {(0, 1, 2, 3, 4)}
    """

    space: Space
    shares: Array
    weights: Array

    @classmethod
    def of(
        cls, space: Space, archives: Sequence[Genes], weights: Sequence[float] | None = None
    ) -> Self:
        """As often as archives have each choice.

        Genes count where they are active; one that is active in no network of an archive is
        uniform, since nothing is known of it.

        Args:
            space: of the archives.
            archives: canonical networks ``(n, n_genes)`` each; empty ones are left out.
            weights: how often each is drawn from, relative to the others; equally often unless
                given.

        Raises:
            UsageError: there is no network.
        """
        given = [1.0] * len(archives) if weights is None else weights
        known = [pair for pair in zip(archives, given, strict=True) if len(pair[0])]
        if not known:
            raise UsageError("an archive without networks has no distribution")
        chosen = np.array([weight for _, weight in known])
        shares = np.stack([_frequencies(space, genes) for genes, _ in known])
        return cls(space, shares, chosen / chosen.sum())

    def sample(self, n: int, rng: np.random.Generator) -> Genes:
        """Random canonical networks ``(n, n_genes)``."""
        component = rng.choice(len(self.shares), n, p=self.weights)
        cumulative = self.shares[component].cumsum(2)
        drawn = rng.random((n, self.space.n_genes, 1)) * cumulative[:, :, -1:]
        # The number of choices that the drawn number lies beyond; never one of share 0.
        genes = (cumulative <= drawn).sum(2)
        return self.space.canonical(genes.astype(np.int8))


def _offered(space: Space) -> Array:
    """1 for each choice that a gene has: ``(n_genes, most_choices)``."""
    choices = np.arange(int(space.n_choices.max()))
    return (choices < space.n_choices[:, None]).astype(np.float64)


def _frequencies(space: Space, genes: Genes) -> Array:
    """How often networks have each choice, of those in which the gene is active."""
    active, choices = space.active(genes), np.arange(int(space.n_choices.max()))
    counts = ((genes[:, :, None] == choices) & active[:, :, None]).sum(0).astype(np.float64)
    counts = np.where(counts.sum(1, keepdims=True) > 0, counts, _offered(space))
    frequencies: Array = counts / counts.sum(1, keepdims=True)
    return frequencies
