"""A data set by name or path."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from nasprof.errors import UsageError
from nasprof.log import ONCE, logger
from nasprof.reader import brief, is_whole
from nasprof.registry import near_names
from nasprof.typing import Progress
from supernets.data.data_set import DataSet, InMemory, OnDemand, PixelStore, Split
from supernets.data.described import SUFFIX, described
from supernets.data.division import Division, divide
from supernets.data.formats.base import data_formats
from supernets.data.named import data_sets
from supernets.data.options import DataOptions
from supernets.data.pictures import Geometry, Pixels
from supernets.data.remembered import division_key, recalled, remember
from supernets.data.samples import SPLITS, Samples
from supernets.data.scan import scan
from supernets.data.splitting import require_enough


def read_data(
    source: str | Path,
    image_shape: tuple[int, int, int],
    *,
    seed: int = 0,
    options: DataOptions | None = None,
    progress: Progress | None = None,
) -> DataSet:
    """A data set by name or path, split.

    Args:
        source: a name of :data:`supernets.data.data_sets`, the path of a file or folder, or of a
            TOML file that names one of these as its ``source``, with options of its own.
        image_shape: ``(h, w, c)`` that all images are brought to.
        seed: of the splits.
        options: how it is read and split.
        progress: told how many images have been looked at.

    Returns:
        The same splits and fingerprint for the same images, wherever they lie and in whatever
        order they are listed.

    Raises:
        UsageError: it cannot be found or read, naming what is wrong with it.

    >>> data = read_data("digits", (8, 8, 1))
    >>> data.classes[:3], len(data.train) > len(data.test)
    (('0', '1', '2'), True)
    """
    options = options or DataOptions()
    if str(source).endswith(SUFFIX):
        source, options, seed = described(Path(source), options, seed)
    if not (is_whole(seed) and seed >= 0):
        raise UsageError(f"seed is {brief(seed)}, expected a whole number of at least 0")
    geometry = Geometry(image_shape, options.crop)
    samples, name = _samples(source, options)
    if not len(samples.images):
        raise UsageError(f"{name} has no images")
    # Before every image is looked at, which takes longer.
    every = np.arange(len(samples.images))
    require_enough(samples.labels, samples.classes, samples.splits, every, options)
    division, decoded = _division(samples, geometry, options, seed, progress)
    for note in division.notes:
        logger.info("%s: %s", name, note, extra=ONCE)
    return _data_set(name, samples, geometry, seed, options, division, decoded)


def _samples(source: str | Path, options: DataOptions) -> tuple[Samples, str]:
    if isinstance(source, str) and options.format is None and source in data_sets:
        return data_sets.get(source)(options), source
    path = Path(source)
    if not (str(source) and os.path.exists(path)):  # noqa: PTH110  # pathlib raises where a name is too long
        raise UsageError(
            f"no data set is called {brief(str(source))}, and there is no such file or folder",
            near_names(str(source), data_sets),
        )
    name = options.format or _format_of(path)
    return data_formats.get(name)().read(path, options), path.resolve().name


def _format_of(path: Path) -> str:
    """The name of the format of what lies there.

    Raises:
        UsageError: it is none of them, or may be several.
    """
    fitting = [name for name in data_formats if data_formats.get(name)().accepts(path)]
    special = [name for name in fitting if not data_formats.get(name).fallback]
    names = special or fitting
    if len(names) > 1:
        raise UsageError(
            f"{path} may be of the formats {', '.join(names)}", "Say which one it is (format)."
        )
    if not names:
        layouts = "; or ".join(data_formats.get(name).layout for name in data_formats)
        raise UsageError(f"{path} is no data set, expected {layouts}")
    return names[0]


def _division(
    samples: Samples,
    geometry: Geometry,
    options: DataOptions,
    seed: int,
    progress: Progress | None,
) -> tuple[Division, Pixels | None]:
    """How the images are divided, and all of them decoded if they are to be held in memory."""
    size = len(samples.images) * int(np.prod(geometry.shape))
    ready = samples.images.ready(geometry)
    key = None
    if size > options.memory_bytes and not ready:
        key = division_key(samples, geometry, options, seed)
        if (division := recalled(key)) is not None:
            return division, None
    decoded = None
    if size <= options.memory_bytes and not ready:
        decoded = np.empty((len(samples.images), *geometry.shape), np.uint8)
    known = scan(samples.images, geometry, options, decoded, progress)
    division = divide(samples, known, geometry, options, seed)
    if key is not None:
        remember(key, division)
    return division, decoded


def _data_set(
    name: str,
    samples: Samples,
    geometry: Geometry,
    seed: int,
    options: DataOptions,
    division: Division,
    decoded: Pixels | None,
) -> DataSet:
    store: PixelStore = OnDemand(samples.images, geometry)
    if decoded is not None:
        store = InMemory(samples.images, geometry, decoded)
    train, validation, test = (
        Split(split, samples.labels[rows], rows, store)
        for split, rows in zip(SPLITS, division.rows, strict=True)
    )
    return DataSet(
        name=name,
        classes=samples.classes,
        image_shape=geometry.shape,
        normalisation=division.normalisation,
        fingerprint=division.fingerprint,
        train=train,
        validation=validation,
        test=test,
        seed=seed,
        options=options.changed(),
        notes=division.notes,
        duplicates=division.duplicates,
        unreadable=division.unreadable,
    )
