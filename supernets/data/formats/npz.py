"""Arrays of images and labels in an ``.npz`` file: one pair, or one for each split."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nasprof.arrays import MAX_BYTES, unpack_npz
from nasprof.errors import UsageError
from nasprof.reader import brief
from nasprof.reading import read_bytes
from nasprof.typing import AnyArray
from supernets.data.formats.base import DataFormat
from supernets.data.formats.names import class_name
from supernets.data.options import DataOptions
from supernets.data.pictures import Pixels
from supernets.data.samples import (
    TEST,
    TRAIN,
    UNASSIGNED,
    VALIDATION,
    ArrayImages,
    Samples,
    numbered_classes,
)

_PAIRS = (
    ("images", "labels", UNASSIGNED),
    ("x", "y", UNASSIGNED),
    ("train_images", "train_labels", TRAIN),
    ("x_train", "y_train", TRAIN),
    ("val_images", "val_labels", VALIDATION),
    ("validation_images", "validation_labels", VALIDATION),
    ("x_val", "y_val", VALIDATION),
    ("test_images", "test_labels", TEST),
    ("x_test", "y_test", TEST),
)
_CLASSES = "classes"
_KINDS = "biufU"
_CHANNELS = frozenset({1, 3, 4})
_ALWAYS_FINE = 48 << 20
_WORTH = 100
"""Times the size of a file that it may unpack to: drawings of few strokes compress well."""


class NpzFormat(DataFormat):
    """Images ``(n, h, w)`` or ``(n, h, w, c)`` and labels ``(n,)``; perhaps names of classes."""

    layout = "an .npz file with the arrays images and labels, or train_images, train_labels, ..."

    def accepts(self, path: Path) -> bool:
        return path.suffix.lower() == ".npz" and not path.is_dir()

    def read(self, path: Path, options: DataOptions) -> Samples:
        data = read_bytes(path, MAX_BYTES)
        most = min(MAX_BYTES, _ALWAYS_FINE + _WORTH * len(data))
        arrays = unpack_npz(data, path, _KINDS, most)
        del data  # as large as they are
        pairs = _pairs(path, arrays)
        images = [as_pixels(arrays[name], f"{path}: {name}") for name, _, _ in pairs]
        labels = [_labels(arrays[name], f"{path}: {name}") for _, name, _ in pairs]
        for (image_name, label_name, _), pixels, numbers in zip(pairs, images, labels, strict=True):
            if len(pixels) != len(numbers):
                raise UsageError(
                    f"{path}: {image_name} has {len(pixels):,} images and {label_name} "
                    f"{len(numbers):,} labels, expected as many"
                )
        if len({array.shape[1:] for array in images}) > 1:
            raise UsageError(f"{path}: the splits have images of different shapes")
        joined = np.concatenate(labels)
        numbers, classes = _classes(arrays.get(_CLASSES), joined, path)
        return Samples(
            images=ArrayImages(
                images[0] if len(images) == 1 else np.concatenate(images), str(path)
            ),
            labels=numbers,
            classes=classes,
            splits=np.repeat([split for *_, split in pairs], [len(part) for part in labels]),
        )


def _pairs(path: Path, arrays: dict[str, AnyArray]) -> list[tuple[str, str, int]]:
    """Names of images, of their labels, and the split, of those that the file has."""
    pairs = [pair for pair in _PAIRS if pair[0] in arrays and pair[1] in arrays]
    used = {name for images, labels, _ in pairs for name in (images, labels)} | {_CLASSES}
    known = {split for *_, split in pairs}
    unused = sorted(set(arrays) - used)
    clash = len(known) < len(pairs) or (UNASSIGNED in known and len(known) > 1)
    if unused or clash or not known & {UNASSIGNED, TRAIN}:
        raise UsageError(
            f"{path} has the arrays {brief(sorted(arrays))}, expected images and labels, or "
            "train_images and train_labels and perhaps validation_ and test_ ones",
            "Also read: x_train, y_train, x_test, y_test; classes, the names of the classes.",
        )
    return pairs


def as_pixels(array: AnyArray, where: str) -> Pixels:
    """Images ``(n, h, w)`` or ``(n, h, w, c)`` of 0 to 255.

    Args:
        array: whole numbers of 0 to 255 or real ones of 0 to 1; channels last, or first where only
            that can be.
        where: what it is called in errors.

    Raises:
        UsageError: it has another shape, or other values.
    """
    if array.ndim not in {3, 4}:
        raise UsageError(
            f"{where} has the shape {brief(array.shape)}, expected (n, h, w) or (n, h, w, c)"
        )
    if array.ndim == 4 and array.shape[3] not in _CHANNELS and array.shape[1] in {1, 3}:
        array = array.transpose(0, 2, 3, 1)
    if array.dtype == np.uint8 or not array.size:
        return array.astype(np.uint8, copy=False)
    if array.dtype.kind not in "biuf":
        raise UsageError(f"{where} is {array.dtype}, expected numbers")
    most = 1 if array.dtype.kind in "bf" else 255
    low, high = array.min(), array.max()
    if not (low >= 0 and high <= most):
        raise UsageError(
            f"{where} has {array.dtype} values of {low} to {high}, expected 0 to {most}",
            "Scale them to whole numbers of 0 to 255 (uint8) or real ones of 0 to 1.",
        )
    scaled = np.rint(array * np.float32(255)) if most == 1 else array
    return scaled.astype(np.uint8)


def _labels(array: AnyArray, where: str) -> AnyArray:
    if array.ndim == 2 and array.shape[1] == 1:  # as Keras gives them
        array = array[:, 0]
    if array.ndim != 1 or array.dtype.kind not in "iuU":
        raise UsageError(
            f"{where} is {array.dtype} of the shape {brief(array.shape)}, expected whole numbers "
            "or names (n,)"
        )
    return array


def _classes(
    names: AnyArray | None, labels: AnyArray, path: Path
) -> tuple[AnyArray, tuple[str, ...]]:
    """Indices of classes ``(n,)``, and the classes' names."""
    if labels.dtype.kind == "U":
        values, numbers = np.unique(labels, return_inverse=True)
        return numbers.astype(np.int64), tuple(class_name(str(value)) for value in values)
    if names is None:
        return numbered_classes(labels, str(path))
    if names.ndim != 1 or names.dtype.kind != "U":
        raise UsageError(f"{path}: {_CLASSES} is {names.dtype}, expected names (n,)")
    wrong = (labels < 0) | (labels >= len(names))
    if wrong.any():
        raise UsageError(
            f"{path}: label {int(np.argmax(wrong))} is {labels[wrong][0]}, expected 0 to "
            f"{len(names) - 1}, as there are {len(names)} classes"
        )
    return labels.astype(np.int64), tuple(class_name(str(name)) for name in names)
