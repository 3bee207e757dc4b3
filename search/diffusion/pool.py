"""Architectures with the values of their objectives, as conditions of a denoiser.

Objectives differ in scale and correlate: an absolute weight means nothing for another network, and
a weighted sum tips to one end where accuracy and cost go together. So costs are shares of their
range, and accuracy is told as *advantage*: its rank among networks of equal cost.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nasprof.errors import UsageError
from nasprof.typing import Array
from search.problem import Problem
from spaces import Genes

NEIGHBOURS = 200
"""Networks of nearly equal cost that a network's accuracy is ranked among."""
_FAR = 5.0
"""Standard deviations from the median, beyond which a value is taken as that."""
LEAST = 20
"""Evaluated architectures, at least."""


@dataclass(frozen=True)
class CostScale:
    """Costs as shares of their range.

    The range is that of logarithms where all values are positive, without what is far from the
    others: cells that compile to nothing would take most of it.

    Args:
        low: of each cost as it is scaled, ``(n_costs,)``.
        high: likewise.
        logs: which are scaled as logarithms, ``(n_costs,)``.
    """

    low: Array
    high: Array
    logs: NDArray[np.bool_]

    @classmethod
    def of(cls, costs: Array) -> CostScale:
        """The scale of costs ``(n, n_costs)``."""
        logs = np.atleast_1d((costs > 0).all(0))
        scaled = _logged(costs, logs)
        low, middle, high = np.quantile(scaled, [0.1587, 0.5, 0.8413], axis=0)
        reach = _FAR * (high - low) / 2
        return cls(
            np.maximum(scaled.min(0), middle - reach),
            np.minimum(scaled.max(0), middle + reach),
            logs,
        )

    def shares(self, costs: Array) -> Array:
        """0 for the least cost and 1 for the largest; 0 for what is equal in all: same shape."""
        extent = self.high - self.low
        shares = (_logged(costs, self.logs) - self.low) / np.where(extent > 0, extent, 1)
        clipped: Array = shares.clip(0, 1)
        return clipped


def _logged(costs: Array, logs: NDArray[np.bool_]) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):
        scaled: Array = np.where(logs, np.log(np.maximum(costs, 1e-300)), costs)
    return scaled


def advantages(primary: Array, cost: Array) -> Array:
    """Rank of each among those of nearest cost, between 0 and 1: ``(n,)``.

    Args:
        primary: more is better, ``(n,)``.
        cost: ``(n,)``.
    """
    n = len(primary)
    window = min(NEIGHBOURS, n)
    # Those of equal cost in random order: neighbours are then any of them, not the most alike.
    order = np.lexsort((np.random.default_rng(0).permutation(n), cost))
    ordered = primary[order]
    starts = (np.arange(n) - window // 2).clip(0, n - window)
    near = np.lib.stride_tricks.sliding_window_view(ordered, window)[starts]
    own = ordered[:, None]
    ranks = np.empty(n)
    ranks[order] = (near < own).mean(1) + (near == own).mean(1) / 2
    return ranks


def directions(n_costs: int) -> Array:
    """Weights of costs, each row adding up to 1 ``(n, n_costs)``; the first is the first cost's.

    The other corners, the even mean, and what lies between it and the corners (Das and Dennis
    1998 has many more, most of which no network is told apart by).
    """
    if n_costs == 0:
        return np.zeros((1, 0))
    corners = np.eye(n_costs)
    if n_costs == 1:
        return corners
    mean = np.full((1, n_costs), 1 / n_costs)
    return np.concatenate([corners, mean, (corners + mean) / 2])


@dataclass(frozen=True)
class Pool:
    """Architectures and their objectives.

    Args:
        genes: distinct ones, ``(n, n_genes)``.
        values: to be minimised, ``(n, n_objectives)``; the primary one first, then the costs.
        scale: of the costs; that of a first pool, so that conditions keep their meaning.
    """

    genes: Genes
    values: Array
    scale: CostScale

    @classmethod
    def of(cls, genes: Genes, values: Array) -> Pool:
        """A first pool, which the scale is of."""
        return cls(genes, values, CostScale.of(values[:, 1:]))

    def __len__(self) -> int:
        return len(self.genes)

    def with_those(self, genes: Genes, values: Array) -> Pool:
        """The same with other architectures as well, each once."""
        every = np.concatenate([self.genes, genes])
        _, rows = np.unique(every, axis=0, return_index=True)
        rows.sort()
        return Pool(every[rows], np.concatenate([self.values, values])[rows], self.scale)

    @cached_property
    def shares(self) -> Array:
        """Of the costs, ``(n, n_costs)``."""
        return self.scale.shares(self.values[:, 1:])

    @cached_property
    def directions(self) -> Array:
        """Weights of costs, ``(n_directions, n_costs)``."""
        return directions(self.values.shape[1] - 1)

    @cached_property
    def advantages(self) -> NDArray[np.float32]:
        """Ranks by the primary objective at equal cost: ``(n, n_directions)``."""
        costs = self.shares @ self.directions.T
        columns = [advantages(-self.values[:, 0], cost) for cost in costs.T]
        return np.stack(columns, 1).astype(np.float32)


def primary_first(problem: Problem) -> list[int]:
    """Columns of a problem's values in the order of pools: the first maximised one, the others.

    Raises:
        UsageError: there is no objective.
    """
    if not problem.objectives:
        raise UsageError("there is no objective to generate architectures for")
    maximised = [index for index, one in enumerate(problem.objectives) if one.maximise]
    primary = maximised[0] if maximised else 0
    return [primary, *(index for index in range(len(problem.objectives)) if index != primary)]
