"""Which of several architectures is better where some objectives are limited."""

from __future__ import annotations

import numpy as np

from nasprof.typing import Array, Flags, Indices


def evaluated(values: Array) -> Flags:
    """Which architectures' objectives ``(n, n_objectives)`` are all known: ``(n,)``."""
    known: Flags = np.logical_and.reduce(np.isfinite(values), axis=1)
    return known


def violation(values: Array, worst: Array) -> Array:
    """How far each architecture is beyond the limits: ``(n,)``, 0 where it meets all.

    The sum over objectives of the excess as a share of the limit; inf where nothing is known.

    Args:
        values: objectives to be minimised, ``(n, n_objectives)``.
        worst: largest allowed value of each, or inf: ``(n_objectives,)``.
    """
    limited = np.isfinite(worst)
    known = evaluated(values)
    limits = worst[limited]
    excess = np.maximum(values[:, limited] - limits, 0) / np.where(limits == 0, 1, np.abs(limits))
    return np.where(known, np.where(known[:, None], excess, 0).sum(1), np.inf)


def merits(values: Array, worst: Array) -> Array:
    """Violation and first objective of each ``(n, 2)``: the less in this order, the better.

    Whoever meets the limits is better than whoever does not; of those who do, the one with the
    lesser first objective; of the others, the one with the lesser violation (Deb 2000, Sec. 3).
    """
    first = np.where(np.isnan(values[:, 0]), np.inf, values[:, 0])
    return np.stack([violation(values, worst), first], 1)


def best_first(values: Array, worst: Array) -> Indices:
    """The architectures' numbers in order of :func:`merits`: ``(n,)``; ties keep their order."""
    return np.lexsort(merits(values, worst).T[::-1])


def best(values: Array, worst: Array) -> int | None:
    """The number of the best that meets the limits; None if none does."""
    if len(values) == 0:
        return None
    first = int(best_first(values, worst)[0])
    return first if violation(values[first : first + 1], worst)[0] == 0 else None
