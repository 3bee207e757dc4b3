"""How alike two orders are.

Written out, since importing ``scipy.stats`` for them takes a second, more than most commands do.
"""

from __future__ import annotations

from math import nan, sqrt

import numpy as np

from nasprof.typing import Array, Indices


def spearman(first: Array, second: Array) -> float:
    """Spearman's rank correlation: Pearson's of the ranks, equal values sharing theirs.

    Args:
        first: ``(n,)``.
        second: likewise.

    Returns:
        -1 to 1; nan if one of the values is, or all of one side are equal.

    >>> spearman(np.array([1.0, 2.0, 5.0]), np.array([3.0, 8.0, 7.0]))
    0.5
    """
    if not (_orders(first) and _orders(second)):
        return nan
    return float(np.corrcoef(_mean_ranks(first), _mean_ranks(second))[0, 1])


def kendall(first: Array, second: Array) -> float:
    """Kendall's rank correlation tau-b ("The Treatment of Ties in Ranking Problems", 1945).

    Args:
        first: ``(n,)``.
        second: likewise.

    Returns:
        -1 to 1; nan if one of the values is, or all of one side are equal.

    >>> round(kendall(np.array([1.0, 2.0, 5.0]), np.array([3.0, 8.0, 7.0])), 9)
    0.333333333
    """
    if not (_orders(first) and _orders(second)):
        return nan
    x, y = _numbers(first), _numbers(second)
    pairs = len(x) * (len(x) - 1) // 2
    tied_x, tied_y, both = _tied(x), _tied(y), _tied(x * len(y) + y)
    # Of those that share an x none is out of order.
    discordant = _inversions(y[np.lexsort((y, x))])
    concordant = pairs - tied_x - tied_y + both - discordant
    tau = (concordant - discordant) / sqrt(pairs - tied_x) / sqrt(pairs - tied_y)
    return min(1.0, max(-1.0, tau))


def _orders(values: Array) -> bool:
    """Whether they put anything in an order."""
    return len(values) > 1 and not np.isnan(values).any() and bool((values != values[0]).any())


def _mean_ranks(values: Array) -> Array:
    """Ranks from 1, the mean of those that equal values take: ``(n,)``."""
    _, number, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Array = (np.cumsum(counts) - (counts - 1) / 2)[number]
    return ranks


def _numbers(values: Array) -> Indices:
    """How many smaller values there are, equal ones counted once: ``(n,)``."""
    numbers: Indices = np.unique(values, return_inverse=True)[1]
    return numbers


def _tied(numbers: Indices) -> int:
    """The number of pairs of equal ones."""
    counts = np.unique(numbers, return_counts=True)[1]
    return int((counts * (counts - 1) // 2).sum())


def _inversions(numbers: Indices) -> int:
    """The number of pairs of which the former is the larger, in ``n log n`` steps.

    Two numbers are alike down to some bit, and the larger has that one set: for each bit, pairs
    are counted in groups that are alike above it.
    """
    count = 0
    for bit in reversed(range(int(numbers.max(initial=0)).bit_length())):
        group, is_set = numbers >> (bit + 1), numbers >> bit & 1
        earlier = np.cumsum(is_set) - is_set
        earlier -= earlier[np.searchsorted(group, group)]
        count += int(earlier[is_set == 0].sum())
        numbers = numbers[np.argsort(numbers >> bit, kind="stable")]
    return count
