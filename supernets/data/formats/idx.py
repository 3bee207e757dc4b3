"""IDX files, the format of MNIST and its kin (https://yann.lecun.com/exdb/mnist), gzipped or not.

A file is a magic number (two zero bytes, the type of values, the number of dimensions), the
dimensions as big-endian 32-bit numbers, and the values.
"""

from __future__ import annotations

import gzip
import io
import re
import struct
import zlib
from math import prod
from pathlib import Path

import numpy as np

from nasprof.errors import UsageError
from nasprof.reader import brief
from nasprof.reading import mebibytes, read_bytes
from supernets.data.formats.base import DataFormat
from supernets.data.options import DataOptions
from supernets.data.pictures import Pixels
from supernets.data.samples import TEST, TRAIN, UNASSIGNED, ArrayImages, Samples, numbered_classes

MAX_BYTES = 1 << 30
"""Of a file, and of the values it holds."""
_UINT8 = 0x08
_NAME = re.compile(r"(.*?)(train|t10k|test)-(images|labels)[-.]idx(\d)-ubyte(\.gz)?", re.DOTALL)
_PAIRS = {"train": TRAIN, "t10k": TEST, "test": TEST}


class IdxFormat(DataFormat):
    """MNIST's four files in a folder; one pair, of training images, is split."""

    layout = "a folder with train-images-idx3-ubyte, train-labels-idx1-ubyte and the t10k- pair"

    def accepts(self, path: Path) -> bool:
        return path.is_dir() and any(_NAME.fullmatch(name) for name in _names(path))

    def read(self, path: Path, options: DataOptions) -> Samples:
        files = _files(path)
        pairs = [_pair(path, files, split) for split in (TRAIN, TEST) if _has(files, split)]
        shapes = {images.shape[1:] for images, _ in pairs}
        if len(shapes) > 1:
            raise UsageError(f"{path}: training and test images have the shapes {shapes}")
        labels, classes = numbered_classes(
            np.concatenate([numbers for _, numbers in pairs]), str(path)
        )
        splits = (TRAIN, TEST) if len(pairs) == 2 else (UNASSIGNED,)
        images = pairs[0][0] if len(pairs) == 1 else np.concatenate([images for images, _ in pairs])
        return Samples(
            images=ArrayImages(images, str(path)),
            labels=labels,
            classes=classes,
            splits=np.repeat(np.array(splits, np.intp), [len(numbers) for _, numbers in pairs]),
        )


def _names(folder: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in folder.iterdir())
    except OSError as error:
        raise UsageError(f"cannot read the folder {folder}: {error.strerror}") from error


def _files(folder: Path) -> dict[tuple[int, str], Path]:
    """The files by split and "images" or "labels".

    Raises:
        UsageError: there are several of one kind, or one of a pair is missing.
    """
    files: dict[tuple[int, str], Path] = {}
    for name in _names(folder):  # what is not compressed first
        match = _NAME.fullmatch(name)
        if match is None:
            continue
        key = (_PAIRS[match[2]], match[3])
        if key in files and f"{files[key].name}.gz" != name:
            raise UsageError(
                f"{folder} has {brief(files[key].name)} and {brief(name)}, expected one data set",
                "Give each data set a folder of its own.",
            )
        files.setdefault(key, folder / name)
    for split, word in ((TRAIN, "train"), (TEST, "t10k")):
        present = {kind for own, kind in files if own == split}
        if len(present) == 1 or (split == TRAIN and not present):
            missing = "labels-idx1" if "images" in present else "images-idx3"
            raise UsageError(f"{folder} has no {word}-{missing}-ubyte, gzipped or not")
    return files


def _has(files: dict[tuple[int, str], Path], split: int) -> bool:
    return (split, "images") in files


def _pair(folder: Path, files: dict[tuple[int, str], Path], split: int) -> tuple[Pixels, Pixels]:
    """Images ``(n, h, w)`` or ``(n, h, w, c)`` and labels ``(n,)`` of a split."""
    images = read_idx(files[split, "images"], dimensions=(3, 4))
    labels = read_idx(files[split, "labels"], dimensions=(1,))
    if len(images) != len(labels):
        raise UsageError(
            f"{folder}: {files[split, 'images'].name} has {len(images):,} images and "
            f"{files[split, 'labels'].name} {len(labels):,} labels, expected as many"
        )
    return images, labels


def read_idx(path: Path, dimensions: tuple[int, ...]) -> Pixels:
    """The uint8 array of an IDX file.

    Args:
        path: gzipped if its name ends in ``.gz``.
        dimensions: how many it may have.

    Raises:
        UsageError: it cannot be read, holds something else, or more or fewer values than it says.
    """
    data = read_bytes(path, MAX_BYTES)
    try:
        stream: io.BufferedIOBase = io.BytesIO(data)
        if path.name.endswith(".gz"):
            stream = gzip.GzipFile(fileobj=io.BytesIO(data))
        shape = _shape(stream, path, dimensions)
        values = stream.read(prod(shape))
        more = stream.read(1)
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"{path} is no whole gzip file: {error}") from error
    if len(values) != prod(shape) or more:
        held = "more" if more else f"{len(values):,}"
        raise UsageError(
            f"{path}: its header promises {prod(shape):,} values {brief(shape)}, it holds {held}",
            None if more else "The file may be truncated.",
        )
    return np.frombuffer(values, np.uint8).reshape(shape)


def _shape(stream: io.BufferedIOBase, path: Path, dimensions: tuple[int, ...]) -> tuple[int, ...]:
    magic = stream.read(4)
    expected = " or ".join(f"0x{_UINT8:04x}{count:02d}" for count in dimensions)
    if len(magic) < 4 or magic[:3] != bytes([0, 0, _UINT8]) or magic[3] not in dimensions:
        raise UsageError(
            f"{path} begins with 0x{magic.hex()}, expected the magic number {expected} "
            f"of uint8 values in {' or '.join(map(str, dimensions))} dimensions"
        )
    header = stream.read(4 * magic[3])
    if len(header) < 4 * magic[3]:
        raise UsageError(f"{path} ends within its header", "The file may be truncated.")
    shape: tuple[int, ...] = struct.unpack(f">{magic[3]}I", header)
    if prod(shape) > MAX_BYTES:
        raise UsageError(
            f"{path} promises {mebibytes(prod(shape))} of values, "
            f"expected at most {mebibytes(MAX_BYTES)}"
        )
    return shape
