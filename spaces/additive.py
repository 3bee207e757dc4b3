"""Sums over groups of genes: their least and largest value, and which groups there are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from spaces.base import Genes, Space


def additive_ends(space: Space, function: Callable[[Genes], NDArray[np.generic]]) -> Genes:
    """The architectures of the least and the largest value: ``(2, n_genes)``.

    From each of ``Space.origins`` on, each group of genes in ``Space.parts`` is chosen on its own.

    Args:
        space: of the architectures.
        function: genes ``(n, n_genes)`` to values ``(n,)``, a sum over those groups.
    """
    ends = np.repeat(space.origins[None], 2, 0)
    for number, origin in enumerate(space.origins):
        for part, values in space.parts:
            genes = np.repeat(origin[None], len(values), 0)
            genes[:, part] = values
            worth = function(genes)
            ends[:, number, part] = values[[worth.argmin(), worth.argmax()]]
    least, largest = ends
    return np.stack([least[function(least).argmin()], largest[function(largest).argmax()]])


def gene_groups(space: Space) -> tuple[tuple[slice, Genes], ...]:
    """``Space.parts`` and, of its own each, every gene that is in none of them, in order."""
    held = {gene for part, _ in space.parts for gene in range(part.start, part.stop)}
    alone = [
        (slice(gene, gene + 1), np.arange(choices, dtype=np.int8)[:, None])
        for gene, choices in enumerate(space.n_choices.tolist())
        if gene not in held
    ]
    return tuple(sorted([*space.parts, *alone], key=lambda group: group[0].start))
