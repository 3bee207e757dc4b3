"""What a data format finds: labelled images that are decoded when they are asked for."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nasprof.errors import UsageError
from nasprof.reader import brief
from nasprof.reading import read_bytes
from nasprof.typing import AnyArray, Array, Indices
from supernets.data.pictures import (
    MAX_PIXELS,
    Geometry,
    ImageUnreadable,
    Pixels,
    convert_array,
    decode,
    decode_each,
)
from supernets.data.thumbnails import COMPARED

Labels: TypeAlias = NDArray[np.int64]

UNASSIGNED, TRAIN, VALIDATION, TEST = -1, 0, 1, 2
"""The split that an image is given in, or none."""
SPLITS = ("train", "validation", "test")
SPLIT_NAMES = {
    "train": TRAIN,
    "training": TRAIN,
    "val": VALIDATION,
    "valid": VALIDATION,
    "validation": VALIDATION,
    "dev": VALIDATION,
    "test": TEST,
    "testing": TEST,
}
"""What folders and columns call the splits."""
MAX_FILE_BYTES = 256 << 20


@dataclass(frozen=True)
class Looked:
    """Images that were looked at, n of them.

    Args:
        images: ``(n, h, w, c)``.
        compared: ``(n, h', w', c')``, as they are compared with each other.
        files: digest of each as it is stored.
    """

    images: Pixels
    compared: Pixels
    files: Sequence[bytes]


class ImageSource(ABC):
    """Images of any sizes, read at the size that is asked for."""

    chunk: ClassVar[int] = 1
    """How many are read at once when all are; one where each may be unreadable."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def name(self, row: int) -> str:
        """What to call an image in messages."""

    @abstractmethod
    def digest(self, row: int) -> bytes:
        """SHA-256 of an image as it is stored, the same wherever it is stored."""

    def look(self, rows: Indices, geometry: Geometry) -> Looked:
        """Images as :meth:`load` gives them, and what they are compared by.

        The latter is the same for all geometries: splits do not depend on the shape that a network
        takes.
        """
        return Looked(self.load(rows, geometry), self.load(rows, COMPARED), self._digests(rows))

    def _digests(self, rows: Indices) -> list[bytes]:
        return [self.digest(int(row)) for row in rows]

    def stamp(self, row: int) -> str:
        """What is another one when an image has changed, and costs no reading."""
        return self.digest(row).hex()

    def ready(self, geometry: Geometry) -> bool:
        """Whether they are in memory in this shape, so that nothing is gained by keeping them."""
        return False

    @abstractmethod
    def load(self, rows: Indices, geometry: Geometry, crops: Array | None = None) -> Pixels:
        """Images ``(n, h, w, c)`` of the rows ``(n,)``.

        Args:
            rows: which.
            geometry: the shape and how images of other sizes are brought to it.
            crops: ``(n, 4)`` of :func:`supernets.data.pictures.crop_box`; the part of each image
                that is taken, its middle unless given.

        Raises:
            ImageUnreadable: one of them cannot be decoded, or is another than was looked at, named.
        """


class ArrayImages(ImageSource):
    """Images that are an array already.

    Args:
        array: ``(n, h, w)`` or ``(n, h, w, c)`` with 1, 3 or 4 channels, uint8.
        origin: where it is from, for messages.
    """

    chunk = 1024

    def __init__(self, array: AnyArray, origin: str) -> None:
        array = array[..., None] if array.ndim == 3 else array
        if array.ndim != 4 or array.shape[3] not in {1, 3, 4} or 0 in array.shape[1:]:
            raise UsageError(
                f"{origin}: images have the shape {brief(array.shape)}, expected (n, h, w) or "
                "(n, h, w, c) with 1, 3 or 4 channels"
            )
        if prod(array.shape[1:3]) > MAX_PIXELS:
            raise UsageError(
                f"{origin}: images have {prod(array.shape[1:3]):,} pixels, "
                f"expected at most {MAX_PIXELS:,}"
            )
        if array.dtype != np.uint8:
            raise UsageError(f"{origin}: images are {array.dtype}, expected uint8 of 0 to 255")
        self.array: Pixels = np.ascontiguousarray(array)
        self.origin = origin

    def __len__(self) -> int:
        return len(self.array)

    def name(self, row: int) -> str:
        return f"{self.origin}: image {row}"

    def digest(self, row: int) -> bytes:
        image = self.array[row]
        return hashlib.sha256(repr(image.shape).encode() + image.tobytes()).digest()

    def load(self, rows: Indices, geometry: Geometry, crops: Array | None = None) -> Pixels:
        return convert_array(self.array[rows], geometry, crops)

    def look(self, rows: Indices, geometry: Geometry) -> Looked:
        return Looked(self.load(rows, geometry), self.array[rows], self._digests(rows))

    def ready(self, geometry: Geometry) -> bool:
        return self.array.shape[1:] == geometry.shape and geometry.crop == 1


class FileImages(ImageSource):
    """Images in files: JPEG, PNG or WebP.

    Args:
        paths: one each.
        names: what to call them in messages, such as their paths in a folder.
        max_pixels: a larger one is not decoded.
    """

    def __init__(
        self, paths: Sequence[Path], names: Sequence[str], max_pixels: int = MAX_PIXELS
    ) -> None:
        self.paths, self.names, self.max_pixels = list(paths), list(names), max_pixels
        self._looked_at: dict[int, bytes] = {}

    def __len__(self) -> int:
        return len(self.paths)

    def name(self, row: int) -> str:
        return brief(self.names[row])

    def digest(self, row: int) -> bytes:
        return hashlib.sha256(self._bytes(row)).digest()

    def stamp(self, row: int) -> str:
        path = self.paths[row].absolute()
        try:
            status = path.stat()
        except (OSError, ValueError) as error:
            return f"{path} {error}"
        return f"{path} {status.st_size} {status.st_mtime_ns}"

    def _bytes(self, row: int) -> bytes:
        try:
            return read_bytes(self.paths[row], MAX_FILE_BYTES)
        except UsageError as error:
            raise ImageUnreadable(error.message) from error

    def _unchanged(self, row: int) -> bytes:
        """What a file holds, which must be what it held when it was looked at, if it was."""
        content = self._bytes(row)
        known = self._looked_at.get(int(row))
        if known is not None and hashlib.sha256(content).digest() != known:
            raise ImageUnreadable("it has changed since it was looked at")
        return content

    def load(self, rows: Indices, geometry: Geometry, crops: Array | None = None) -> Pixels:
        out = np.empty((len(rows), *geometry.shape), np.uint8)
        for number, row in enumerate(rows):
            crop = None if crops is None else crops[number]
            with self._named(row):
                out[number] = decode(self._unchanged(row), geometry, self.max_pixels, crop)
        return out

    def look(self, rows: Indices, geometry: Geometry) -> Looked:
        images = np.empty((len(rows), *geometry.shape), np.uint8)
        compared = np.empty((len(rows), *COMPARED.shape), np.uint8)
        files = []
        for number, row in enumerate(rows):
            with self._named(row):
                content = self._bytes(row)
                both = decode_each(content, (geometry, COMPARED), self.max_pixels)
            images[number], compared[number] = both
            files.append(hashlib.sha256(content).digest())
            self._looked_at[int(row)] = files[-1]
        return Looked(images, compared, files)

    @contextmanager
    def _named(self, row: int) -> Iterator[None]:
        try:
            yield
        except ImageUnreadable as error:
            raise ImageUnreadable(f"{self.name(row)}: {error.message}") from error


@dataclass(frozen=True)
class Samples:
    """Labelled images as they are stored, before they are split.

    Args:
        images: n of them.
        labels: ``(n,)`` int64, indices of ``classes``.
        classes: their names.
        splits: ``(n,)``, the split each image is given in; all unassigned where there is none.
        notes: what whoever reads them should know, a sentence each.
    """

    images: ImageSource
    labels: Labels
    classes: tuple[str, ...]
    splits: Indices
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        if not len(self.images) == len(self.labels) == len(self.splits):
            raise UsageError(
                f"{len(self.images):,} images have {len(self.labels):,} labels, expected one each"
            )


def unassigned(count: int) -> Indices:
    """Splits of images that are given in none: ``(n,)``."""
    return np.full(count, UNASSIGNED, np.intp)


def numbered_classes(labels: AnyArray, origin: str) -> tuple[Labels, tuple[str, ...]]:
    """Whole numbers as labels: those that occur are the classes, in their order.

    Args:
        labels: ``(n,)``.
        origin: where they are from, for messages.

    Returns:
        Indices of the classes ``(n,)``, and the names of the classes.

    Raises:
        UsageError: they are no whole numbers of at least 0, or not one an image.
    """
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise UsageError(
            f"{origin}: labels are {labels.dtype} of the shape {brief(labels.shape)}, "
            "expected whole numbers (n,)"
        )
    if len(labels) and labels.min() < 0:
        row = int(np.argmin(labels))
        raise UsageError(f"{origin}: label {row} is {labels[row]}, expected at least 0")
    values, indices = np.unique(labels, return_inverse=True)
    return indices.astype(np.int64), tuple(str(value) for value in values)
