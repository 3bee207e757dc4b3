"""Every image of a data set looked at once: whether it can be decoded, and what identifies it."""

from __future__ import annotations

import hashlib
import os
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.pool import ThreadPool
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from nasprof.errors import UsageError
from nasprof.typing import AnyArray, Indices, Progress
from supernets.data.options import DataOptions
from supernets.data.pictures import Geometry, ImageUnreadable, Pixels
from supernets.data.samples import ImageSource
from supernets.data.thumbnails import Thumbnails, thumbnails

Digests: TypeAlias = NDArray[np.bytes_]

_NAMED = 5
"""Unreadable images that a message names."""
_TASK = 64
"""Images that a thread takes at once."""
_WORTH_A_THREAD_S = 1e-3
"""CPU time of an image below which threads wait for each other more than they decode."""


@dataclass(frozen=True)
class Scan:
    """What is known of the images that can be read, n of them.

    All are whole numbers, so that they are the same on every machine.

    Args:
        rows: ``(n,)``, which of the samples they are.
        files: ``(n,)`` digests of what is stored.
        pixels: ``(n,)`` digests of what they show.
        thumbnails: ``(n, t)`` of :func:`supernets.data.thumbnails.thumbnails`.
        sums: ``(n, c)`` of each channel's values.
        squares: ``(n, c)`` of their squares.
        unreadable: those left out, each with the reason.
    """

    rows: Indices
    files: Digests
    pixels: Digests
    thumbnails: Thumbnails
    sums: NDArray[np.int64]
    squares: NDArray[np.int64]
    unreadable: tuple[str, ...]

    def ordered(self, order: Indices) -> Scan:
        """The same images in another order."""
        fields = ("rows", "files", "pixels", "thumbnails", "sums", "squares")
        return replace(self, **{name: getattr(self, name)[order] for name in fields})


def scan(
    source: ImageSource,
    geometry: Geometry,
    options: DataOptions,
    decoded: Pixels | None = None,
    progress: Progress | None = None,
) -> Scan:
    """Look at every image.

    Args:
        source: of n images.
        geometry: that they are brought to.
        options: how many may be unreadable, and how many threads decode.
        decoded: ``(n, h, w, c)``, filled if given.
        progress: told how many have been looked at.

    Raises:
        UsageError: more images than ``options.most_corrupt`` allows cannot be read, with the first.
    """
    total = len(source)
    look = _Look(source, geometry, decoded)
    parts: list[_Part] = []
    unreadable: list[str] = []
    starts = range(0, total, max(_TASK, source.chunk))
    tasks = [np.arange(start, min(start + starts.step, total)) for start in starts]
    # Pillow may warn of each picture; filters belong to all threads.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for rows, part in zip(tasks, _every(look, tasks, options), strict=True):
            parts.append(part)
            unreadable += part.unreadable
            _require_few(unreadable, total, options.most_corrupt, whole=False)
            if progress is not None:
                progress(int(rows[-1]) + 1, total)
    _require_few(unreadable, total, options.most_corrupt, whole=True)
    return _joined(parts)


def _every(look: _Look, tasks: Sequence[Indices], options: DataOptions) -> Iterator[_Part]:
    """What is known of the images of each task, the first of which says whether threads pay."""
    begun = time.thread_time()
    yield look(tasks[0])
    image_s = (time.thread_time() - begun) / len(tasks[0])
    if options.threads == 0 and image_s < _WORTH_A_THREAD_S:
        yield from map(look, tasks[1:])
        return
    with ThreadPool(threads_for(options)) as pool:
        yield from pool.imap(look, tasks[1:])


def threads_for(options: DataOptions) -> int:
    """How many threads decode: as asked for, or one for each core that this process may use."""
    if options.threads:
        return options.threads
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass
class _Part:
    """What is known of some images; lists of arrays of those that can be read."""

    rows: list[AnyArray] = field(default_factory=list)
    files: list[AnyArray] = field(default_factory=list)
    pixels: list[AnyArray] = field(default_factory=list)
    thumbnails: list[AnyArray] = field(default_factory=list)
    sums: list[AnyArray] = field(default_factory=list)
    squares: list[AnyArray] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)


class _Look:
    """Looks at some images.

    Args:
        source: of the images.
        geometry: that they are brought to.
        decoded: where they are kept, if they are.
    """

    def __init__(self, source: ImageSource, geometry: Geometry, decoded: Pixels | None) -> None:
        self._source, self._geometry, self._decoded = source, geometry, decoded

    def __call__(self, rows: Indices) -> _Part:
        part, chunk = _Part(), self._source.chunk
        for start in range(0, len(rows), chunk):
            some = rows[start : start + chunk]
            try:
                looked = self._source.look(some, self._geometry)
            except ImageUnreadable as error:
                part.unreadable.append(error.message)
                continue
            if self._decoded is not None:
                self._decoded[some] = looked.images
            part.rows.append(some)
            part.files.append(np.array(looked.files, "S32"))
            pixels = [hashlib.sha256(image).digest() for image in looked.compared]
            part.pixels.append(np.array(pixels, "S32"))
            part.thumbnails.append(thumbnails(looked.compared))
            self._add_moments(part, looked.images)
        return part

    def _add_moments(self, part: _Part, images: Pixels) -> None:
        planes = np.ascontiguousarray(images.transpose(0, 3, 1, 2), np.uint16)
        planes = planes.reshape(*planes.shape[:2], -1)
        part.sums.append(planes.sum(axis=2, dtype=np.int64))
        part.squares.append(np.square(planes).sum(axis=2, dtype=np.int64))  # at most 65,025


def _joined(parts: list[_Part]) -> Scan:
    def every(name: str) -> AnyArray:
        return np.concatenate([array for part in parts for array in getattr(part, name)])

    return Scan(
        rows=every("rows"),
        files=every("files"),
        pixels=every("pixels"),
        thumbnails=every("thumbnails"),
        sums=every("sums"),
        squares=every("squares"),
        unreadable=tuple(reason for part in parts for reason in part.unreadable),
    )


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
