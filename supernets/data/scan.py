"""Every image of a data set looked at once: whether it can be decoded, and what identifies it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from nasprof.errors import UsageError
from nasprof.typing import Array, Indices, Progress
from supernets.data.options import DataOptions
from supernets.data.pictures import Geometry, ImageUnreadable, Pixels
from supernets.data.samples import Samples

Digests: TypeAlias = NDArray[np.bytes_]
Thumbnails: TypeAlias = NDArray[np.float32]

THUMBNAIL = 16
"""Pixels of a side of the grey thumbnails that images are compared by."""
_NAMED = 5
"""Unreadable images that a message names."""


@dataclass(frozen=True)
class Scan:
    """What is known of the images that can be read, n of them.

    Args:
        rows: ``(n,)``, which of the samples they are.
        positions: ``(n,)``, where they are in ``decoded``.
        files: ``(n,)`` digests of what is stored.
        pixels: ``(n,)`` digests of the decoded images.
        thumbnails: ``(n, t)``, grey values of 0 to 255.
        sums: ``(n, c)`` of each channel's values.
        squares: ``(n, c)`` of their squares.
        decoded: ``(n, h, w, c)`` if they fit in memory.
        unreadable: those left out, each with the reason.
    """

    rows: Indices
    positions: Indices
    files: Digests
    pixels: Digests
    thumbnails: Thumbnails
    sums: Array
    squares: Array
    decoded: Pixels | None
    unreadable: tuple[str, ...]

    def ordered(self, order: Indices) -> Scan:
        """The same images in another order; decoded ones stay where they are."""
        fields = ("rows", "positions", "files", "pixels", "thumbnails", "sums", "squares")
        return replace(self, **{name: getattr(self, name)[order] for name in fields})


def scan(
    samples: Samples, geometry: Geometry, options: DataOptions, progress: Progress | None
) -> Scan:
    """Look at every image.

    Raises:
        UsageError: more images than ``options.most_corrupt`` allows cannot be read, with the first.
    """
    source, total = samples.images, len(samples.images)
    size = total * int(np.prod(geometry.shape))
    decoded = np.empty((total, *geometry.shape), np.uint8) if size <= options.memory_bytes else None
    parts = _Parts(geometry)
    unreadable: list[str] = []
    for start in range(0, total, source.chunk):
        rows = np.arange(start, min(start + source.chunk, total))
        try:
            images = source.load(rows, geometry)
            files = [source.digest(int(row)) for row in rows]
        except ImageUnreadable as error:
            unreadable.append(error.message)
            _require_few(unreadable, total, options.most_corrupt, whole=False)
            continue
        if decoded is not None:
            first = len(parts)
            decoded[first : first + len(rows)] = images
        parts.add(rows, images, files)
        if progress is not None:
            progress(int(rows[-1]) + 1, total)
    _require_few(unreadable, total, options.most_corrupt, whole=True)
    return parts.joined(None if decoded is None else decoded[: len(parts)], tuple(unreadable))


class _Parts:
    """What is known of the images so far."""

    def __init__(self, geometry: Geometry) -> None:
        height, width, self.channels = geometry.shape
        self.down, self.across = _averaging(height), _averaging(width)
        self.rows: list[int] = []
        self.files: list[bytes] = []
        self.pixels: list[bytes] = []
        self.thumbnails: list[Thumbnails] = []
        self.moments: list[Array] = []

    def __len__(self) -> int:
        return len(self.rows)

    def add(self, rows: Indices, images: Pixels, files: list[bytes]) -> None:
        self.rows += rows.tolist()
        self.files += files
        self.pixels += [hashlib.sha256(image).digest() for image in images]
        real = images.astype(np.float32)
        grey = real.mean(axis=3) if self.channels > 1 else real[..., 0]
        small = self.down @ grey @ self.across.T
        self.thumbnails.append(small.reshape(len(images), -1))
        flat = real.reshape(len(images), -1, self.channels)
        sums = flat.sum(axis=1, dtype=np.float64)
        self.moments.append(np.stack([sums, np.square(flat).sum(axis=1, dtype=np.float64)]))

    def joined(self, decoded: Pixels | None, unreadable: tuple[str, ...]) -> Scan:
        sums, squares = np.concatenate(self.moments, axis=1)
        return Scan(
            rows=np.array(self.rows, np.intp),
            positions=np.arange(len(self)),
            files=np.array(self.files, "S32"),
            pixels=np.array(self.pixels, "S32"),
            thumbnails=np.concatenate(self.thumbnails),
            sums=sums,
            squares=squares,
            decoded=decoded,
            unreadable=unreadable,
        )


def _averaging(length: int) -> Thumbnails:
    """Weights ``(THUMBNAIL, length)`` that average pixels; one each where there are fewer."""
    cells = min(THUMBNAIL, length)
    edges = np.linspace(0, length, cells + 1)
    pixels = np.arange(length)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    weights = np.maximum(overlap, 0) * (cells / length)
    real: Thumbnails = weights.astype(np.float32)
    return real


def _require_few(unreadable: list[str], total: int, share: float, whole: bool) -> None:
    """Refuse a set of which too much cannot be read, as soon as that is known."""
    count = len(unreadable)
    if count <= share * total or (count < _NAMED and not whole):
        return
    shown = "; ".join(unreadable[:_NAMED])
    more = "" if whole else "at least "
    raise UsageError(
        f"{more}{count:,} of {total:,} images cannot be read, expected a share of at most "
        f"{share:.3g}: {shown}{'; ...' if count > _NAMED else ''}",
        "Mend or remove them, or allow a larger share (most_corrupt).",
    )
