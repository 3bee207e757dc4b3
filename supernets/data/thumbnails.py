"""Thumbnails that images are compared by: whole numbers, the same on every machine."""

from __future__ import annotations

from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from nasprof.typing import AnyArray
from supernets.data.pictures import Geometry, Pixels

Thumbnails: TypeAlias = NDArray[np.int16]

SIDE = 16
"""Pixels of a side."""
LEVELS = 16
"""Of a value in each of the 256 grey values."""
COMPARED = Geometry((64, 64, 3))
"""What pictures of any size are brought to first, whatever shape the networks take."""


def thumbnails(images: Pixels) -> Thumbnails:
    """Grey averages of images ``(n, h, w, c)``, each of at most 16 x 16: ``(n, t)``."""
    count, height, width, channels = images.shape
    down, across = _weights(height), _weights(width)
    # Whole numbers below 2**53, of which float64 computes exact sums in any order.
    rows = down @ images.reshape(count, height, width * channels).astype(np.float64)
    grey = rows.reshape(count, len(down), width, channels).sum(axis=3)
    sums = (grey @ across.T).reshape(count, -1)
    small: Thumbnails = np.rint(sums * LEVELS / (height * width * channels)).astype(np.int16)
    return small


@cache
def _weights(length: int) -> AnyArray:
    """Whole-numbered weights ``(t, length)`` that average pixels, of sums ``length``."""
    cells = min(SIDE, length)
    edges, pixels = np.arange(cells + 1) * length, np.arange(length) * cells
    overlap = np.minimum(edges[1:, None], pixels + cells) - np.maximum(edges[:-1, None], pixels)
    weights: AnyArray = np.maximum(overlap, 0).astype(np.float64)
    return weights
