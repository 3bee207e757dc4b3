"""Images that are the same, or nearly so: found by a perceptual hash and compared.

The hash is an image's grey thumbnail of at most 16 x 16 pixels, less its mean and divided by its
norm, projected on the directions in which the set's thumbnails differ most. Projecting brings no
two images further apart, so a search for near neighbours in a k-d tree misses none. Two images are
*nearly identical* if their thumbnails correlate to at least :data:`LEAST_CORRELATION`, and differ
by at most :data:`MOST_DIFFERENCE` grey values on average: recompressed, rescaled or slightly
brightened copies do. An image of hardly any contrast is the same as another only if all pixels are.
"""

from __future__ import annotations

import numpy as np

from nasprof.typing import AnyArray, Array, Indices
from supernets.data.scan import Scan
from supernets.data.thumbnails import LEVELS, Thumbnails

LEAST_CORRELATION = 0.999
MOST_DIFFERENCE = 6.0
"""Grey values of 255, averaged over the thumbnail."""
LEAST_CONTRAST = 4.0
"""Standard deviation of a thumbnail's grey values below which it is not compared."""
_DIRECTIONS = 16
_NEIGHBOURS = 9
"""Looked at for each image, itself among them."""
_FITTED = 5000
"""Images that the directions are fitted to."""
_CHUNK = 20_000
"""Images whose thumbnails are real numbers at once."""


def groups(scan: Scan, kind: str) -> Indices:
    """Which images are the same: a number each ``(n,)``, equal for those that are.

    Args:
        scan: of n images.
        kind: ``near``, ``exact`` or ``keep`` (all differ).
    """
    if kind == "keep":
        return np.arange(len(scan.rows))
    _, first, exact = np.unique(scan.pixels, return_index=True, return_inverse=True)
    if kind == "exact":
        return exact.astype(np.intp)
    near: Indices = _near(scan.thumbnails[first])[exact]
    return near


def _near(thumbnails: Thumbnails) -> Indices:
    """Groups of nearly identical images of different thumbnails ``(n, t)``: a number each."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    group: Indices = np.arange(len(thumbnails))
    first = group
    while True:
        pairs = near_pairs(thumbnails[first])
        links = coo_array((np.ones(len(pairs)), pairs.T), shape=(len(first), len(first)))
        _, joined = connected_components(links, directed=False)
        group = joined.astype(np.intp)[group]
        # Where some have more neighbours than are looked at, groups may touch: one image of each
        # is compared again.
        if not len(pairs) or np.bincount(pairs.ravel()).max() < _NEIGHBOURS - 1:
            return group
        first = first[np.unique(joined, return_index=True)[1]]


def near_pairs(thumbnails: Thumbnails) -> Indices:
    """Pairs of nearly identical images ``(n_pairs, 2)``, of different thumbnails ``(n, t)``."""
    from scipy.spatial import cKDTree

    projected, comparable = _projected(thumbnails)
    if len(comparable) < 2:
        return np.empty((0, 2), np.intp)
    # Of vectors of norm 1 the squared distance is 2 - 2 x correlation.
    radius = 1.001 * (2 - 2 * LEAST_CORRELATION) ** 0.5
    distances, near = cKDTree(projected).query(
        projected, k=min(_NEIGHBOURS, len(comparable)), distance_upper_bound=radius
    )
    one, number = np.nonzero(np.isfinite(distances))
    other = near[one, number]
    one, other = comparable[one[one < other]], comparable[other[one < other]]
    some = range(0, len(one), _CHUNK)
    pairs = [
        _confirmed(thumbnails, one[start : start + _CHUNK], other[start : start + _CHUNK])
        for start in some
    ]
    return np.concatenate([np.empty((0, 2), np.intp), *pairs])


def _projected(thumbnails: Thumbnails) -> tuple[Array, Indices]:
    """Hashes ``(n_comparable, d)`` of the thumbnails with contrast, and which these are."""
    starts = range(0, len(thumbnails), _CHUNK)
    contrasts = [thumbnails[start : start + _CHUNK].std(axis=1) for start in starts]
    comparable = np.flatnonzero(np.concatenate(contrasts) >= LEAST_CONTRAST * LEVELS)
    some = comparable[:: max(1, len(comparable) // _FITTED)]
    if len(some) < 2:
        return np.empty((0, 1)), comparable[:0]
    centred = _hashes(thumbnails[some])
    centred -= centred.mean(axis=0)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    directions = vectors[:, ::-1][:, :_DIRECTIONS]
    parts = [
        _hashes(thumbnails[comparable[start : start + _CHUNK]]) @ directions
        for start in range(0, len(comparable), _CHUNK)
    ]
    return np.concatenate(parts), comparable


def _hashes(thumbnails: Thumbnails) -> Array:
    """Thumbnails ``(n, t)`` of mean 0 and norm 1."""
    real = thumbnails.astype(np.float64)
    real -= real.mean(axis=1, keepdims=True)
    real /= np.linalg.norm(real, axis=1, keepdims=True)
    return real


def _confirmed(thumbnails: Thumbnails, one: Indices, other: Indices) -> Indices:
    """Those of the pairs that are nearly identical: ``(n_pairs, 2)``.

    Of whole numbers, so that every machine finds the same ones.
    """
    size = thumbnails.shape[1]
    left, right = (thumbnails[rows].astype(np.int64) for rows in (one, other))

    def covariance(a: AnyArray, b: AnyArray) -> Array:
        real: Array = (size * (a * b).sum(axis=1) - a.sum(axis=1) * b.sum(axis=1)).astype(float)
        return real

    alike = covariance(left, right) >= LEAST_CORRELATION * np.sqrt(
        covariance(left, left) * covariance(right, right)
    )
    close = np.abs(left - right).sum(axis=1) <= MOST_DIFFERENCE * LEVELS * size
    pairs: Indices = np.stack([one, other], axis=1)[alike & close]
    return pairs
