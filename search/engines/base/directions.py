"""Evenly spread reference directions."""

from __future__ import annotations

from math import comb

import numpy as np

from nasprof.typing import Array


def reference_directions(n_objectives: int, most: int) -> Array:
    """Up to ``most`` evenly spread directions ``(n, n_objectives)``.

    Das and Dennis 1998; in two layers where one would have no directions but on the boundary (Deb
    and Jain 2014, Sec. IV.A).
    """
    if n_objectives == 1:
        return np.ones((1, 1))
    partitions = 1
    while _lattice_size(n_objectives, partitions + 1) <= most:
        partitions += 1
    outer = _lattice(n_objectives, partitions)
    inner = next(
        (
            _lattice(n_objectives, fewer)
            for fewer in range(partitions, 0, -1)
            if len(outer) + _lattice_size(n_objectives, fewer) <= most
        ),
        None,
    )
    if partitions >= n_objectives or inner is None:
        return outer
    return np.concatenate([outer, 0.5 * inner + 0.5 / n_objectives])


def _lattice(n_objectives: int, partitions: int) -> Array:
    from pymoo.util.ref_dirs import get_reference_directions

    directions: Array = get_reference_directions(
        "das-dennis", n_objectives, n_partitions=partitions
    )
    return directions


def _lattice_size(n_objectives: int, partitions: int) -> int:
    return comb(partitions + n_objectives - 1, n_objectives - 1)
