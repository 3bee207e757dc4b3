"""A labelled set of images, split for training, validation and testing."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from nasprof.errors import UsageError
from nasprof.reader import Reader
from nasprof.typing import Array, Indices, JsonObject
from supernets.data.pictures import Geometry, Pixels, convert_array
from supernets.data.samples import ImageSource, Labels


@dataclass(frozen=True)
class Normalisation:
    """What pixels, scaled to 0..1, are made of before a network sees them: (x - mean) / std.

    Args:
        mean: of each channel.
        std: of each channel, above 0.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        numbers = (*self.mean, *self.std)
        if len(self.mean) != len(self.std) or not np.isfinite(numbers).all() or min(self.std) <= 0:
            raise UsageError(
                f"mean {self.mean} and std {self.std} normalise nothing, expected a finite number "
                "a channel each, std above 0"
            )

    @classmethod
    def of(cls, split: Split, batch: int = 500) -> Normalisation:
        """Mean and standard deviation of all pixels of a split, by channel.

        Raises:
            UsageError: the split is empty.
        """
        sums = squares = pixels = 0
        for start in range(0, len(split), batch):
            images = split.images(np.arange(start, min(start + batch, len(split))))
            flat = images.reshape(-1, images.shape[3]).astype(np.float64)
            sums, squares = sums + flat.sum(axis=0), squares + np.square(flat).sum(axis=0)
            pixels += len(flat)
        return cls.of_sums(np.asarray(sums), np.asarray(squares), pixels)

    @classmethod
    def of_sums(cls, sums: Array, squares: Array, pixels: int) -> Normalisation:
        """From the sums of values of 0 to 255 and of their squares, ``(c,)`` each."""
        if not pixels:
            raise UsageError("no image to normalise by")
        mean = sums / pixels
        std = np.sqrt(np.maximum(squares / pixels - mean**2, 1.0))
        return cls(tuple((mean / 255).round(6).tolist()), tuple((std / 255).round(6).tolist()))

    def to_dict(self) -> JsonObject:
        return {"mean": list(self.mean), "std": list(self.std)}

    @classmethod
    def from_dict(cls, data: JsonObject, where: str = "normalisation") -> Normalisation:
        """From what :meth:`to_dict` gave.

        Raises:
            UsageError: naming the field that is wrong.
        """
        reader = Reader(data, where)
        kind = "a list of numbers"
        return cls(tuple(reader.take("mean", kind)), tuple(reader.take("std", kind)))


class PixelStore(Protocol):
    """Where a split's images are."""

    def read(self, rows: Indices, crops: Array | None = None) -> Pixels:
        """Images ``(n, h, w, c)`` of rows ``(n,)``, of the parts ``crops`` if given."""

    def name(self, row: int) -> str:
        """What to call an image."""


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
            NasprofError: a picture that could be decoded when the set was read no longer can.
        """
        return self.store.read(self.rows[indices], crops)

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
        for split in self.splits:
            if split.name == name:
                if not len(split):
                    raise UsageError(f"{self.name} has no {name} images")
                return split
        names = ", ".join(split.name for split in self.splits)
        raise UsageError(f"no split is called {name!r}", f"Known: {names}.")

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
            "duplicates": self.duplicates,
            "unreadable": len(self.unreadable),
            "normalisation": self.normalisation.to_dict(),
            "notes": list(self.notes),
        }


class InMemory:
    """Decoded images ``(n, h, w, c)`` as a store."""

    def __init__(self, pixels: Pixels, names: ImageSource) -> None:
        self._pixels, self._names = pixels, names
        self._geometry = Geometry(tuple(pixels.shape[1:]))

    def read(self, rows: Indices, crops: Array | None = None) -> Pixels:
        images = self._pixels[rows]
        return images if crops is None else convert_array(images, self._geometry, crops)

    def name(self, row: int) -> str:
        return self._names.name(row)


class OnDemand:
    """Images that are decoded whenever they are asked for, as a store."""

    def __init__(self, source: ImageSource, geometry: Geometry) -> None:
        self._source, self._geometry = source, geometry

    def read(self, rows: Indices, crops: Array | None = None) -> Pixels:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's, of what was looked at before
            return self._source.load(rows, self._geometry, crops)

    def name(self, row: int) -> str:
        return self._source.name(row)
