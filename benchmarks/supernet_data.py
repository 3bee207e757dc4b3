"""Data sets: which copies are found, what reading costs, what a training batch costs (CPU ms)."""

from __future__ import annotations

import argparse
import io
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from common import report
from PIL import Image, ImageEnhance
from sklearn.datasets import load_sample_images
from supernet_common import fashion

from supernets.data import (
    ArrayImages,
    Augmentation,
    DataOptions,
    Loader,
    read_data,
)
from supernets.data.duplicates import near_pairs
from supernets.data.pictures import Geometry
from supernets.data.scan import scan

Change = Callable[[Image.Image], Image.Image]
PHOTOGRAPH = (375, 500)
BATCH = 64


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How many images of a kind."""
    parser.add_argument("--count", type=int, default=300)


def measure(given: argparse.Namespace) -> None:
    """Three tables."""
    torch.set_num_threads(1)
    _copies(given.count)
    _reading(given.count)
    _batches()


def _parts(count: int, shape: tuple[int, int]) -> list[Image.Image]:
    """Random parts of two photographs."""
    photographs = load_sample_images().images
    rng = np.random.default_rng(0)
    parts = []
    for number in range(count):
        whole = photographs[number % 2]
        down, across = (rng.integers(0, whole.shape[axis] - shape[axis]) for axis in (0, 1))
        parts.append(Image.fromarray(whole[down : down + shape[0], across : across + shape[1]]))
    return parts


def _stored(picture: Image.Image, form: str, quality: int) -> Image.Image:
    stream = io.BytesIO()
    picture.save(stream, form, quality=quality)
    return Image.open(io.BytesIO(stream.getvalue())).convert(picture.mode)


def _noisy(picture: Image.Image) -> Image.Image:
    values = np.asarray(picture, np.float64)
    noise = np.random.default_rng(int(values.sum())).normal(0, 4, values.shape)
    return Image.fromarray(np.clip(values + noise, 0, 255).astype(np.uint8))


CHANGES: dict[str, Change] = {
    "JPEG 95": lambda picture: _stored(picture, "JPEG", 95),
    "JPEG 75": lambda picture: _stored(picture, "JPEG", 75),
    "JPEG 50": lambda picture: _stored(picture, "JPEG", 50),
    "WebP 80": lambda picture: _stored(picture, "WEBP", 80),
    "half size": lambda picture: picture.resize((picture.width // 2, picture.height // 2)),
    "3 % brighter": lambda picture: ImageEnhance.Brightness(picture).enhance(1.03),
    "noise of 4": _noisy,
}


def _copies(count: int) -> None:
    digits = read_data("digits", (8, 8, 1))
    some = np.arange(count)
    sets = {
        "photographs 224": (_parts(count, (224, 224)), (224, 224, 3)),
        "photographs 28": (_parts(count, (224, 224)), (28, 28, 3)),
        "Fashion-MNIST 28": (_pictures(fashion().train.images(some)), (28, 28, 1)),
        "digits 8": (_pictures(digits.train.images(some)), (8, 8, 1)),
    }
    rows = []
    for name, (pictures, shape) in sets.items():
        hits = []
        for change in CHANGES.values():
            copies = [change(picture) for picture in pictures]
            pairs = near_pairs(
                np.concatenate([_thumbnails(pictures, shape), _thumbnails(copies, shape)])
            )
            hits.append(sum(other == one + len(pictures) for one, other in pairs))
        rows.append([name, *(f"{100 * hit / len(pictures):.0f} %" for hit in hits)])
    report("supernet_data_copies", ("images", *CHANGES), rows, count=count)


def _pictures(images: np.ndarray) -> list[Image.Image]:
    return [Image.fromarray(image[..., 0]) for image in images]


def _thumbnails(pictures: list[Image.Image], shape: tuple[int, int, int]) -> np.ndarray:
    size = (shape[1], shape[0])
    scaled = [np.asarray(picture.resize(size, Image.Resampling.BILINEAR)) for picture in pictures]
    return scan(
        ArrayImages(np.stack(scaled), "benchmark"), Geometry(shape), DataOptions()
    ).thumbnails


def _reading(count: int) -> None:
    rows = []
    start = time.process_time()
    data = fashion.__wrapped__()
    spent = time.process_time() - start
    total = sum(map(len, data.splits)) + data.duplicates
    rows.append(["Fashion-MNIST, IDX", total, f"{spent:.1f}", f"{1e3 * spent / total:.3f}"])
    with tempfile.TemporaryDirectory() as folder:
        for name, pictures, suffix, shape in (
            ("PNG 28 x 28", _pictures(data.test.images(np.arange(10 * count))), "png", (28, 28, 1)),
            ("JPEG 500 x 375 at 224", _parts(count, PHOTOGRAPH), "jpg", (224, 224, 3)),
        ):
            for number, picture in enumerate(pictures):
                path = Path(folder) / suffix / str(number % 3) / f"{number}.{suffix}"
                path.parent.mkdir(parents=True, exist_ok=True)
                picture.save(path)
            start = time.process_time()
            read_data(Path(folder) / suffix, shape)
            spent = time.process_time() - start
            each = f"{1e3 * spent / len(pictures):.3f}"
            rows.append([name, len(pictures), f"{spent:.1f}", each])
    report("supernet_data_reading", ("set", "images", "CPU s", "CPU ms an image"), rows)


def _batches() -> None:
    kinds = {
        "none": Augmentation.none(),
        "padding 2, flip": Augmentation(),
        "resized crop": Augmentation(resized_crop=0.3),
        "RandAugment 2": Augmentation(operations=2),
        "erasing 0.25": Augmentation(erasing=0.25),
        "mixup": Augmentation(mixup=0.2),
        "cutmix": Augmentation(cutmix=1.0),
    }
    rows = []
    for name, changes in kinds.items():
        loader = Loader(fashion(), BATCH, augmentation=changes)
        next(loader)
        times = []
        for _ in range(5):
            start = time.process_time()
            for _ in range(20):
                next(loader)
            times.append(1e3 * (time.process_time() - start) / 20)
        rows.append([name, f"{np.median(times):.2f}"])
    report("supernet_data_batches", ("augmentation", f"CPU ms a batch of {BATCH}"), rows)
