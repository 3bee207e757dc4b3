"""What a denoiser is told of the architecture that is asked for.

Classifier-free guidance (Ho and Salimans 2022): the same network learns with the condition and,
now and then, without.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasprof.typing import Array, Indices
from search.diffusion.pool import Pool

_FREQUENCIES = 6
_UTMOST = 0.002
"""Ranks are told as normal scores, up to this share from either end."""


@dataclass(frozen=True)
class Condition:
    """Architectures that are asked for.

    Args:
        cost: shares of the cost in their direction, ``(n,)``.
        advantage: ranks of the primary objective at equal cost, between 0 and 1: ``(n,)``.
        direction: numbers of the directions, ``(n,)``.
    """

    cost: Array
    advantage: Array
    direction: Indices

    @classmethod
    def at(cls, cost: Array, advantage: float) -> Condition:
        """Costs ``(n,)`` in the first direction."""
        cost = cost.clip(0, 1)
        return cls(cost, np.full(len(cost), advantage), np.zeros(len(cost), np.intp))

    @classmethod
    def spread(
        cls,
        n: int,
        n_directions: int,
        advantage: float,
        focus: float,
        rng: np.random.Generator,
        ends: tuple[float, float] = (0.0, 1.0),
    ) -> Condition:
        """Every cost between two ends, in every direction.

        Args:
            advantage: of all.
            focus: share of them in the first direction; the others have equal shares.
        """
        low, high = ends
        costs = low + (high - low) * (np.arange(n) + rng.random(n)) / n
        direction = random_directions(n, n_directions, focus, rng)
        return cls(rng.permutation(costs), np.full(n, advantage), direction)

    def __len__(self) -> int:
        return len(self.cost)

    def __getitem__(self, rows: Indices) -> Condition:
        return Condition(self.cost[rows], self.advantage[rows], self.direction[rows])

    def features(
        self, directions: Array, known: NDArray[np.bool_] | None = None
    ) -> NDArray[np.float32]:
        """As networks read them: ``(n, n_features(n_costs))``.

        Args:
            directions: ``(n_directions, n_costs)``.
            known: which are told at all, ``(n,)``; all unless given.
        """
        from scipy.special import ndtri

        angles = self.cost[:, None] * (np.pi * 2.0 ** np.arange(_FREQUENCIES))
        score = ndtri(self.advantage.clip(_UTMOST, 1 - _UTMOST))
        columns = [np.ones((len(self), 1)), 4 * self.cost[:, None] - 2, score[:, None]]
        columns += [np.sin(angles), np.cos(angles), directions[self.direction]]
        told = np.concatenate(columns, 1)
        if known is not None:
            told *= known[:, None]
        return told.astype(np.float32)


def n_features(n_costs: int) -> int:
    """How many numbers a condition is."""
    return 3 + 2 * _FREQUENCIES + n_costs


def random_directions(n: int, n_directions: int, focus: float, rng: np.random.Generator) -> Indices:
    """Directions, the first with probability ``focus``: ``(n,)``."""
    if n_directions == 1:
        return np.zeros(n, np.intp)
    others: Indices = rng.integers(1, n_directions, n)
    return np.where(rng.random(n) < focus, 0, others)


def conditions_of(pool: Pool, rows: Indices, direction: Indices) -> Condition:
    """The conditions that members of a pool meet.

    Args:
        rows: of the members, ``(n,)``.
        direction: in which, ``(n,)``.
    """
    cost = (pool.shares[rows] * pool.directions[direction]).sum(1)
    return Condition(cost, pool.advantages[rows, direction].astype(np.float64), direction)
