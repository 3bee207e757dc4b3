"""Architectures that differ in a gene or two: what every local search looks at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasprof.typing import Indices
from spaces.base import Genes, Space


def exchanges(n_choices: NDArray[np.int8], genes: Genes, *, cyclic: bool = False) -> Indices:
    """Every other choice of every gene, whether or not the gene is active.

    Args:
        n_choices: of each gene, ``(n_genes,)``.
        genes: architectures ``(n, n_genes)``.
        cyclic: begin at the choice after the present one, and go on at the first; so no choice
            has precedence where neighbours are equally good.

    Returns:
        Gene and new choice of each exchange, in order of both unless ``cyclic``:
        ``(n, n_exchanges, 2)``.

    Example:
        >>> exchanges(np.array([2, 3], np.int8), np.array([[0, 1]], np.int8)).tolist()
        [[[0, 1], [1, 0], [1, 2]]]
    """
    counts = n_choices.astype(np.intp)
    gene = np.repeat(np.arange(len(counts)), counts - 1)
    step = np.concatenate([np.arange(count - 1) for count in counts])
    present = genes[:, gene].astype(np.intp)
    choice = (present + step + 1) % counts[gene] if cyclic else step + (step >= present)
    return np.stack([np.broadcast_to(gene, choice.shape), choice], -1)


def exchanged(space: Space, genes: Genes, moves: Indices) -> Genes:
    """Architectures after some exchanges each.

    Args:
        genes: one architecture ``(n_genes,)``.
        moves: gene and new choice of the ``k`` exchanges that make up each neighbour,
            ``(n, k, 2)``.

    Returns:
        Canonical genes ``(n, n_genes)``; equal to ``genes`` where only inactive ones changed.
    """
    changed = np.repeat(genes[None], len(moves), 0)
    for number in range(moves.shape[1]):
        changed[np.arange(len(moves)), moves[:, number, 0]] = moves[:, number, 1]
    return space.canonical(changed)


def neighbours(space: Space, genes: Genes, *, cyclic: bool = False) -> Genes:
    """Every architecture with one gene exchanged, in the order of :func:`exchanges`.

    Args:
        genes: architectures ``(n, n_genes)``.
        cyclic: as of :func:`exchanges`.

    Returns:
        Canonical genes ``(n, n_exchanges, n_genes)``; where the gene is not active, the
        architecture itself.
    """
    moves = exchanges(space.n_choices, genes, cyclic=cyclic)
    n, m, _ = moves.shape
    changed = np.repeat(genes[:, None], m, 1)
    changed[np.arange(n)[:, None], np.arange(m), moves[:, :, 0]] = moves[:, :, 1]
    return space.canonical(changed.reshape(n * m, -1)).reshape(changed.shape)


def mutant(space: Space, parent: Genes, rng: np.random.Generator) -> Genes:
    """A random neighbour: one active gene of ``parent`` ``(n_genes,)`` has another choice."""
    choices = space.n_choices
    gene = rng.choice(np.flatnonzero(space.active(parent[None])[0] & (choices > 1)))
    child = parent.copy()
    child[gene] = (parent[gene] + rng.integers(1, choices[gene])) % choices[gene]
    canonical: Genes = space.canonical(child[None])[0]
    return canonical


def perturbed(space: Space, genes: Genes, n: int, rng: np.random.Generator) -> Genes:
    """An architecture ``(n_genes,)`` with up to ``n`` genes drawn anew."""
    changed = genes.copy()
    drawn = rng.choice(len(genes), min(n, len(genes)), replace=False)
    changed[drawn] = rng.integers(0, space.n_choices[drawn])
    canonical: Genes = space.canonical(changed[None])[0]
    return canonical
