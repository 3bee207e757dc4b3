"""A data set by name or path."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from nasprof.errors import UsageError
from nasprof.log import logger
from nasprof.registry import near_names
from nasprof.typing import Indices, Progress
from supernets.data.data_set import DataSet, InMemory, Normalisation, OnDemand, PixelStore, Split
from supernets.data.duplicates import groups
from supernets.data.formats.base import data_formats
from supernets.data.named import data_sets
from supernets.data.options import DataOptions
from supernets.data.pictures import Geometry
from supernets.data.samples import SPLITS, TEST, TRAIN, VALIDATION, Labels, Samples
from supernets.data.scan import Scan, scan
from supernets.data.splitting import LEFT_OUT, assign, listed, require_enough

_NAMED = 5


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
        source: a name of :data:`supernets.data.data_sets`, or the path of a file or folder.
        image_shape: ``(h, w, c)`` that all images are brought to.
        seed: of the splits.
        options: how it is read and split.
        progress: told how many images have been looked at.

    Returns:
        The same splits and fingerprint for the same images, wherever they lie and in whatever
        order they are listed.

    Raises:
        UsageError: it cannot be found or read, naming what is wrong with it.
    """
    options = options or DataOptions()
    geometry = Geometry(image_shape, options.crop)
    samples, name = _samples(source, options)
    if not len(samples.images):
        raise UsageError(f"{name} has no images")
    scanned = scan(samples, geometry, options, progress)
    order = np.lexsort((samples.labels[scanned.rows], scanned.files))
    data = _split(samples, scanned.ordered(order), geometry, options, seed)
    data = replace(data, name=name)
    for note in data.notes:
        logger.info("%s: %s", name, note)
    return data


def _samples(source: str | Path, options: DataOptions) -> tuple[Samples, str]:
    if isinstance(source, str) and source in data_sets:
        return data_sets.get(source)(options), source
    path = Path(source)
    if not path.exists():
        raise UsageError(
            f"no data set is called {str(source)!r}, and there is no such file or folder",
            near_names(str(source), data_sets),
        )
    if options.format is not None:
        fitting = [options.format]
    else:
        fitting = [name for name in data_formats if data_formats.get(name)().accepts(path)]
    if len(fitting) == 1:
        return data_formats.get(fitting[0])().read(path, options), path.resolve().name
    if fitting:
        raise UsageError(
            f"{path} may be of the formats {', '.join(fitting)}", "Say which one it is (format)."
        )
    layouts = "; or ".join(data_formats.get(name).layout for name in data_formats)
    raise UsageError(f"{path} is no data set, expected {layouts}")


def _split(
    samples: Samples, known: Scan, geometry: Geometry, options: DataOptions, seed: int
) -> DataSet:
    """The images that can be read, in the order of their content, as a data set."""
    labels, given = samples.labels[known.rows], samples.splits[known.rows]
    same = groups(known, options.duplicates)
    require_enough(labels, samples.classes, given, same, options)
    assigned = assign(labels, given, same, options, seed)
    lost = np.setdiff1d(labels, labels[assigned == TRAIN])
    if len(lost):
        raise UsageError(
            f"classes of which other splits have all images: {listed(samples.classes, lost)}",
            "Add training images that are not copies of validation or test images.",
        )
    train, validation, test = (
        np.flatnonzero(assigned == split) for split in (TRAIN, VALIDATION, TEST)
    )
    store: PixelStore = OnDemand(samples.images, geometry)
    if known.decoded is not None:
        store = InMemory(known.decoded, samples.images)
    rows = known.rows
    normalisation = Normalisation.of_sums(
        known.sums[train].sum(axis=0),
        known.squares[train].sum(axis=0),
        len(train) * geometry.shape[0] * geometry.shape[1],
    )
    return DataSet(
        name="",
        classes=samples.classes,
        image_shape=geometry.shape,
        normalisation=normalisation,
        fingerprint=_fingerprint(samples.classes, labels, assigned, known, geometry),
        train=Split("train", labels[train], rows[train], store),
        validation=Split("validation", labels[validation], rows[validation], store),
        test=Split("test", labels[test], rows[test], store),
        seed=seed,
        notes=(*samples.notes, *_notes(labels, assigned, same, known)),
        duplicates=int((assigned == LEFT_OUT).sum()),
        unreadable=known.unreadable,
    )


def _fingerprint(
    classes: tuple[str, ...],
    labels: Labels,
    assigned: Indices,
    known: Scan,
    geometry: Geometry,
) -> str:
    digest = hashlib.sha256()
    digest.update(json.dumps([1, classes, geometry.shape, geometry.crop]).encode())
    for split in (TRAIN, VALIDATION, TEST):
        rows = np.flatnonzero(assigned == split)
        digest.update(len(rows).to_bytes(8, "little"))
        digest.update(labels[rows].astype("<i8").tobytes())
        digest.update(known.files[rows].tobytes())
    return digest.hexdigest()


def _notes(labels: Labels, assigned: Indices, same: Indices, known: Scan) -> list[str]:
    """What was found about the images, a sentence each."""
    notes = []
    left_out = int((assigned == LEFT_OUT).sum())
    if left_out:
        notes.append(
            f"{left_out:,} images were left out because another split has the same or a "
            "nearly identical one"
        )
    sizes = np.bincount(same)
    copies = int((sizes[sizes > 0] - 1).sum()) - left_out
    if copies > 0:
        notes.append(f"{copies:,} images are copies, or nearly so, of another one in their split")
    pairs = np.unique(np.stack([same, labels]), axis=1)
    contradictions = int((np.bincount(pairs[0]) > 1).sum())
    if contradictions:
        notes.append(f"{contradictions:,} images occur with different labels")
    if known.unreadable:
        shown = "; ".join(known.unreadable[:_NAMED])
        more = "; ..." if len(known.unreadable) > _NAMED else ""
        notes.append(f"{len(known.unreadable):,} images cannot be read: {shown}{more}")
    for split in (VALIDATION, TEST):
        without = np.setdiff1d(labels, labels[assigned == split])
        if len(without) and (assigned == split).any():
            notes.append(f"the {SPLITS[split]} split has no images of {len(without)} classes")
    return notes
