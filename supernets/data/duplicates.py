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

from nasprof.typing import Array, Indices
from supernets.data.scan import Scan, Thumbnails

LEAST_CORRELATION = 0.999
MOST_DIFFERENCE = 6.0
"""Grey values of 255, averaged over the thumbnail."""
LEAST_CONTRAST = 4.0
"""Standard deviation of a thumbnail's grey values below which it is not compared."""
_DIRECTIONS = 8
_NEIGHBOURS = 9
"""Looked at for each image, itself among them."""
_FITTED = 5000


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
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    pairs = near_pairs(scan.thumbnails[first])
    links = coo_array((np.ones(len(pairs)), pairs.T), shape=(len(first), len(first)))
    _, near = connected_components(links, directed=False)
    result: Indices = near[exact].astype(np.intp)
    return result


def near_pairs(thumbnails: Thumbnails) -> Indices:
    """Pairs of nearly identical images ``(n_pairs, 2)``, of different thumbnails ``(n, t)``."""
    from scipy.spatial import cKDTree

    comparable = np.flatnonzero(thumbnails.std(axis=1) >= LEAST_CONTRAST)
    if len(comparable) < 2:
        return np.empty((0, 2), np.intp)
    raw = thumbnails[comparable]
    hashes = raw - raw.mean(axis=1, keepdims=True)
    hashes /= np.linalg.norm(hashes, axis=1, keepdims=True)
    projected = hashes @ _directions(hashes)
    # Of vectors of norm 1 the squared distance is 2 - 2 x correlation.
    radius = (2 - 2 * LEAST_CORRELATION) ** 0.5
    distances, near = cKDTree(projected).query(
        projected, k=min(_NEIGHBOURS, len(raw)), distance_upper_bound=radius
    )
    one, number = np.nonzero(np.isfinite(distances))
    other = near[one, number]
    one, other = one[one < other], other[one < other]
    return comparable[_confirmed(raw, hashes, one, other)]


def _directions(hashes: Thumbnails) -> Thumbnails:
    """Orthonormal columns ``(t, d)`` in which the hashes ``(n, t)`` differ most."""
    some = hashes[:: max(1, len(hashes) // _FITTED)]
    centred = (some - some.mean(axis=0)).astype(np.float64)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    return vectors[:, ::-1][:, :_DIRECTIONS].astype(np.float32)


def _confirmed(raw: Thumbnails, hashes: Thumbnails, one: Indices, other: Indices) -> Indices:
    """Those of the pairs that are nearly identical: ``(n_pairs, 2)``."""
    alike = np.einsum("ij,ij->i", hashes[one], hashes[other]) >= LEAST_CORRELATION
    one, other = one[alike], other[alike]
    close: Array = np.abs(raw[one] - raw[other]).mean(axis=1) <= MOST_DIFFERENCE
    return np.stack([one[close], other[close]], axis=1)
