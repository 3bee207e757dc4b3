"""Data sets and pictures for the fuzzer: good ones, and how they are read."""

from __future__ import annotations

import io
import logging
import struct
from pathlib import Path

import fuzz_mutations as mutate
import numpy as np

SIDE = 6
SHAPE = (SIDE, SIDE, 1)


def _pixels(count: int = 24, channels: tuple[int, ...] = ()) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (count, SIDE, SIDE, *channels), dtype=np.uint8)


def pictures() -> list[bytes]:
    """Of each format and some modes."""
    from PIL import Image

    colour = Image.fromarray(_pixels(1, (3,))[0])
    exif = Image.Exif()
    exif[0x0112] = 6
    made = []
    for form, picture in (
        ("PNG", colour),
        ("PNG", colour.convert("P")),
        ("PNG", colour.convert("RGBA")),
        ("PNG", Image.fromarray(_pixels(1)[0].astype(np.uint16) * 257)),
        ("JPEG", colour),
        ("JPEG", colour.convert("CMYK")),
        ("WEBP", colour),
    ):
        stream = io.BytesIO()
        picture.save(stream, form, exif=exif)
        made.append(stream.getvalue())
    return made


def read_picture(path: Path) -> None:
    """One picture."""
    from supernets.data.pictures import MAX_PIXELS, Geometry, decode

    assert decode(path.read_bytes(), Geometry(SHAPE), MAX_PIXELS).shape == SHAPE


def idx_files() -> list[bytes]:
    """Images as MNIST's."""
    images = _pixels()
    return [bytes([0, 0, 8, 3]) + struct.pack(">3I", *images.shape) + images.tobytes()]


def read_idx_file(path: Path) -> None:
    """One file of images."""
    from supernets.data.formats.idx import read_idx

    assert read_idx(path, (3,)).ndim == 3


def data_arrays() -> list[bytes]:
    """Pairs of images and labels."""
    images, labels = _pixels(), np.arange(24) % 2
    named = {"images": images / 255, "labels": labels, "classes": np.array(["a", "b"])}
    split = {"x_train": images, "y_train": labels, "x_test": images[:2], "y_test": labels[:2]}
    return [mutate.npz(named), mutate.npz(split)]


def data_tables() -> list[bytes]:
    """A table of pictures that are nowhere."""
    rows = [f"{number}.png,{'ab'[number % 2]},train" for number in range(12)]
    return ["\n".join(["path,label,split", *rows]).encode()]


def read_set(path: Path) -> None:
    """A whole data set."""
    from supernets.data import DataOptions, read_data

    logging.getLogger("nasprof").setLevel(logging.ERROR)
    data = read_data(path, SHAPE, options=DataOptions(threads=1))
    assert data.train.images(np.arange(len(data.train))).shape == (len(data.train), *SHAPE)
    assert all(split.labels.min(initial=0) >= 0 for split in data.splits)
    assert all(split.labels.max(initial=0) < len(data.classes) for split in data.splits)
