"""The least and the largest value of an additive objective, exactly."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from spaces import Genes, Space


def additive_ends(space: Space, function: Callable[[Genes], NDArray[np.generic]]) -> Genes:
    """The architectures of the least and the largest value: ``(2, n_genes)``.

    Each group of genes in ``Space.parts`` is chosen on its own, the others being all zero.

    Args:
        function: genes ``(n, n_genes)`` to values ``(n,)``, a sum over those groups.
    """
    ends = np.zeros((2, space.n_genes), np.int8)
    for part, values in space.parts:
        genes = np.zeros((len(values), space.n_genes), np.int8)
        genes[:, part] = values
        worth = function(genes)
        ends[:, part] = values[[worth.argmin(), worth.argmax()]]
    return ends


def additive_extremes(
    space: Space, function: Callable[[Genes], NDArray[np.generic]]
) -> tuple[float, float]:
    """The least and the largest value in the space of a sum over the groups of its genes."""
    low, high = function(additive_ends(space, function)).tolist()
    return float(low), float(high)
