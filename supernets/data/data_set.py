"""A labelled set of images, split for training, validation and testing."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field, replace
from math import prod
from typing import Protocol, TypeAlias

import numpy as np

from nasprof.errors import UsageError
from nasprof.normalisation import Normalisation
from nasprof.typing import Array, Indices, JsonObject
from supernets.data.pictures import Geometry, Pixels, convert_array
from supernets.data.samples import ImageSource, Labels

ImageShape: TypeAlias = tuple[int, int, int]
"""Height, width and channels of images."""


class PixelStore(Protocol):
    """Where a split's images are."""

    def read(self, rows: Indices, crops: Array | None = None) -> Pixels:
        """Images ``(n, h, w, c)`` of rows ``(n,)``, of the parts ``crops`` if given."""

    def name(self, row: int) -> str:
        """What to call an image."""

    def at(self, image_shape: ImageShape) -> PixelStore:
        """The same images at another size; the same store whenever it is the same size."""


@dataclass(frozen=True)
class Split:
    """The images of one split, in an order that does not depend on their names.

    Any part of it, such as the first 500, is a sample of all of its classes.

    Args:
        name: ``train``, ``validation`` or ``test``.
        labels: ``(n,)`` int64.
        rows: ``(n,)``, which images of the store they are.
        store: of all images.
    """

    name: str
    labels: Labels
    rows: Indices = field(repr=False)
    store: PixelStore = field(repr=False)

    def __len__(self) -> int:
        return len(self.labels)

    def images(self, indices: Indices, crops: Array | None = None) -> Pixels:
        """Images ``(n, h, w, c)``, uint8, of indices ``(n,)``.

        Args:
            indices: which.
            crops: the part of each image that is taken, ``(n, 4)`` of
                :func:`supernets.data.pictures.crop_box`.

        Raises:
            NasprofError: a picture that could be decoded when the set was read no longer can, or
                has changed.
        """
        return self.store.read(self.rows[indices], crops)

    def at(self, image_shape: ImageShape) -> Split:
        """The same images at the size ``(h, w, c)``."""
        return replace(self, store=self.store.at(image_shape))

    def image_name(self, index: int) -> str:
        """What to call an image: its path in the folder, or its number."""
        return self.store.name(int(self.rows[index]))


@dataclass(frozen=True)
class DataSet:
    """A labelled set of images, split.

    Args:
        name: of the source.
        classes: names, in the order of the labels.
        image_shape: ``(h, w, c)``.
        normalisation: of the training images.
        fingerprint: SHA-256 in hexadecimal of classes, labels, splits, files and ``crop``; the same
            for every shape.
        train: for training.
        validation: for choosing.
        test: for the final figures.
        seed: of the splits.
        options: how it was read and split, where not as by default, as JSON values.
        notes: what whoever uses it should know, a sentence each.
        duplicates: how many images were left out because another split has them.
        unreadable: images that were left out, each with the reason.
    """

    name: str
    classes: tuple[str, ...]
    image_shape: tuple[int, int, int]
    normalisation: Normalisation
    fingerprint: str
    train: Split
    validation: Split
    test: Split
    seed: int = 0
    options: JsonObject = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    duplicates: int = 0
    unreadable: tuple[str, ...] = ()

    @property
    def splits(self) -> tuple[Split, Split, Split]:
        return self.train, self.validation, self.test

    def split(self, name: str) -> Split:
        """The split of that name.

        Raises:
            UsageError: there is none, or it has no images.
        """
        split = self.split_of(name)
        if not len(split):
            raise UsageError(f"{self.name} has no {name} images")
        return split

    def split_of(self, name: str) -> Split:
        """The same, which may be empty.

        Raises:
            UsageError: there is none of that name.
        """
        for split in self.splits:
            if split.name == name:
                return split
        names = ", ".join(split.name for split in self.splits)
        raise UsageError(f"no split is called {name!r}", f"Known: {names}.")

    def at(self, image_shape: ImageShape) -> DataSet:
        """The same images, divided alike, at another size ``(h, w, c)``.

        Each is decoded when it is first asked for. The normalisation stays that of this size.
        """
        if image_shape == self.image_shape:
            return self
        train, validation, test = (split.at(image_shape) for split in self.splits)
        return replace(self, image_shape=image_shape, train=train, validation=validation, test=test)

    def limited(self, name: str, most: int | None) -> DataSet:
        """The same with at most so many images in a split, from its beginning; all if None.

        It has the fingerprint of the whole.

        Raises:
            UsageError: no split has that name.
        """
        if most is None:
            return self
        whole = self.split_of(name)
        some = replace(whole, labels=whole.labels[:most], rows=whole.rows[:most])
        train, validation, test = (some if split is whole else split for split in self.splits)
        return replace(self, train=train, validation=validation, test=test)

    def counts(self, split: Split) -> dict[str, int]:
        """How many images a split has of each class."""
        counts = np.bincount(split.labels, minlength=len(self.classes))
        return dict(zip(self.classes, counts.tolist(), strict=True))

    def facts(self) -> JsonObject:
        """What identifies and describes the set, for records."""
        return {
            "name": self.name,
            "fingerprint": self.fingerprint,
            "image_shape": list(self.image_shape),
            "classes": list(self.classes),
            "sizes": {split.name: len(split) for split in self.splits},
            "counts": {split.name: list(self.counts(split).values()) for split in self.splits},
            "seed": self.seed,
            **({"options": self.options} if self.options else {}),
            "duplicates": self.duplicates,
            "unreadable": len(self.unreadable),
            "normalisation": self.normalisation.to_dict(),
            "notes": list(self.notes),
        }


class _Store:
    """Images of a source at one size.

    Args:
        source: of all images.
        geometry: the size, and how they are brought to it.
    """

    def __init__(self, source: ImageSource, geometry: Geometry) -> None:
        self.source, self.geometry = source, geometry
        self._others: dict[ImageShape, PixelStore] = {}

    def name(self, row: int) -> str:
        return self.source.name(row)

    def at(self, image_shape: ImageShape) -> PixelStore:
        if image_shape not in self._others:
            geometry = replace(self.geometry, shape=image_shape)
            larger = prod(image_shape) > prod(self.geometry.shape)
            kind = InMemory if self._in_memory and not larger else OnDemand
            self._others[image_shape] = kind(self.source, geometry)
        return self._others[image_shape]

    @property
    def _in_memory(self) -> bool:
        """Whether there is memory for all of them at this size."""
        return self.source.ready(self.geometry)


class InMemory(_Store):
    """Images that are kept once they have been decoded, as a store.

    Args:
        source: of all images.
        geometry: the size, and how they are brought to it.
        pixels: ``(n, h, w, c)``, if they have been decoded.
    """

    def __init__(
        self, source: ImageSource, geometry: Geometry, pixels: Pixels | None = None
    ) -> None:
        super().__init__(source, geometry)
        self._decoded = np.full(len(source), pixels is not None)
        if pixels is None:  # memory is taken when it is written to
            pixels = np.empty((len(source), *geometry.shape), np.uint8)
        self._pixels = pixels

    def read(self, rows: Indices, crops: Array | None = None) -> Pixels:
        missing = np.unique(rows[~self._decoded[rows]])
        if len(missing):
            self._pixels[missing] = _loaded(self.source, missing, self.geometry)
            self._decoded[missing] = True
        images = self._pixels[rows]
        return images if crops is None else convert_array(images, self._whole, crops)

    @property
    def _whole(self) -> Geometry:
        """That of what is kept already: nothing of it is cut off."""
        return Geometry(self.geometry.shape)

    @property
    def _in_memory(self) -> bool:
        return True


class OnDemand(_Store):
    """Images that are decoded whenever they are asked for, as a store."""

    def read(self, rows: Indices, crops: Array | None = None) -> Pixels:
        return _loaded(self.source, rows, self.geometry, crops)


def _loaded(
    source: ImageSource, rows: Indices, geometry: Geometry, crops: Array | None = None
) -> Pixels:
    """Images that were looked at before: what Pillow has to say of them was said."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return source.load(rows, geometry, crops)
