"""What a denoiser is told of the architecture that is asked for.

Classifier-free guidance (Ho and Salimans 2022): the same network learns with the condition and,
now and then, without.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nasprof.typing import Array
from search.diffusion.pool import Pool

_FREQUENCIES = 6
_UTMOST = 0.002
"""Ranks are told as normal scores, up to this share from either end."""


@dataclass(frozen=True)
class Wish:
    """Architectures that are asked for.

    Args:
        cost: shares of the cost in their direction, ``(n,)``.
        advantage: ranks of merit at equal cost, between 0 and 1: ``(n,)``.
        direction: numbers of the directions, ``(n,)``.
    """

    cost: Array
    advantage: Array
    direction: NDArray[np.intp]

    @classmethod
    def spread(
        cls, n: int, n_directions: int, rng: np.random.Generator, advantage: float, focus: float
    ) -> Wish:
        """Every cost, in every direction.

        Args:
            advantage: of all.
            focus: share of the wishes in the first direction; the others have equal shares.
        """
        costs = (np.arange(n) + rng.random(n)) / n
        return cls(rng.permutation(costs), np.full(n, advantage), drawn(n, n_directions, rng, focus))

    @classmethod
    def at(cls, cost: Array, advantage: float) -> Wish:
        """Costs ``(n,)`` in the first direction."""
        return cls(cost, np.full(len(cost), advantage), np.zeros(len(cost), np.intp))

    def __len__(self) -> int:
        return len(self.cost)

    def __getitem__(self, rows: NDArray[np.intp]) -> Wish:
        return replace(
            self,
            cost=self.cost[rows],
            advantage=self.advantage[rows],
            direction=self.direction[rows],
        )


def drawn(n: int, n_directions: int, rng: np.random.Generator, focus: float) -> NDArray[np.intp]:
    """Directions, the first with probability ``focus``: ``(n,)``."""
    if n_directions == 1:
        return np.zeros(n, np.intp)
    others = rng.integers(1, n_directions, n)
    return np.where(rng.random(n) < focus, 0, others)


def length(n_costs: int) -> int:
    """Of a condition."""
    return 3 + 2 * _FREQUENCIES + n_costs


def conditions(wish: Wish, directions: Array, known: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Wishes as networks read them: ``(n, length)``.

    Args:
        directions: ``(n_directions, n_costs)``.
        known: which are told at all, ``(n,)``.
    """
    from scipy.special import ndtri

    angles = wish.cost[:, None] * (np.pi * 2.0 ** np.arange(_FREQUENCIES))
    score = ndtri(wish.advantage.clip(_UTMOST, 1 - _UTMOST))
    columns = [np.ones((len(wish), 1)), 4 * wish.cost[:, None] - 2, score[:, None]]
    told = np.concatenate([*columns, np.sin(angles), np.cos(angles), directions[wish.direction]], 1)
    masked: NDArray[np.float32] = (told * known[:, None]).astype(np.float32)
    return masked


def wishes_of(pool: Pool, rows: NDArray[np.intp], direction: NDArray[np.intp]) -> Wish:
    """The wishes that members of a pool fulfil.

    Args:
        rows: of the members, ``(n,)``.
        direction: in which, ``(n,)``.
    """
    cost = (pool.shares[rows] * pool.directions[direction]).sum(1)
    return Wish(cost, pool.advantages[rows, direction].astype(np.float64), direction)
