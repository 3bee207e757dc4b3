"""How a data set is divided into splits: which images each has, and what was found on the way."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import numpy as np

from nasprof.errors import UsageError
from nasprof.normalisation import Normalisation
from nasprof.typing import Indices
from supernets.data.duplicates import groups
from supernets.data.options import DataOptions
from supernets.data.pictures import Geometry
from supernets.data.samples import SPLITS, TEST, TRAIN, VALIDATION, Labels, Samples
from supernets.data.scan import Scan
from supernets.data.splitting import LEFT_OUT, assign, listed, require_enough

_NAMED = 5


@dataclass(frozen=True)
class Division:
    """What each split has.

    Args:
        rows: those of the samples, ``(n,)`` for each of :data:`SPLITS`.
        normalisation: of the training images.
        fingerprint: of all that matters.
        notes: what was found, a sentence each.
        duplicates: how many images were left out because another split has them.
        unreadable: images that were left out, each with the reason.
    """

    rows: tuple[Indices, Indices, Indices]
    normalisation: Normalisation
    fingerprint: str
    notes: tuple[str, ...]
    duplicates: int
    unreadable: tuple[str, ...]


def divide(
    samples: Samples, scanned: Scan, geometry: Geometry, options: DataOptions, seed: int
) -> Division:
    """Divide the images that can be read, in the order of their content.

    Raises:
        UsageError: a class has too few images.
    """
    scanned = scanned.ordered(np.lexsort((samples.labels[scanned.rows], scanned.files)))
    labels, given = samples.labels[scanned.rows], samples.splits[scanned.rows]
    same = groups(scanned, options.duplicates)
    require_enough(labels, samples.classes, given, same, options)
    assigned = assign(labels, given, same, options, seed)
    lost = np.setdiff1d(labels, labels[assigned == TRAIN])
    if len(lost):
        raise UsageError(
            f"classes of which other splits have all images: {listed(samples.classes, lost)}",
            "Add training images that are not copies of validation or test images.",
        )
    train = assigned == TRAIN
    normalisation = Normalisation.of_sums(
        scanned.sums[train].sum(axis=0),
        scanned.squares[train].sum(axis=0),
        int(train.sum()) * geometry.shape[0] * geometry.shape[1],
    )
    validation, test = (scanned.rows[assigned == split] for split in (VALIDATION, TEST))
    return Division(
        rows=(scanned.rows[train], validation, test),
        normalisation=normalisation,
        fingerprint=_fingerprint(samples.classes, labels, assigned, scanned, geometry),
        notes=(*samples.notes, *_notes(samples.classes, labels, assigned, same, scanned)),
        duplicates=int((assigned == LEFT_OUT).sum()),
        unreadable=scanned.unreadable,
    )


def _fingerprint(
    classes: tuple[str, ...],
    labels: Labels,
    assigned: Indices,
    scanned: Scan,
    geometry: Geometry,
) -> str:
    digest = hashlib.sha256()
    digest.update(json.dumps([1, classes, geometry.crop]).encode())
    for split in (TRAIN, VALIDATION, TEST):
        rows = np.flatnonzero(assigned == split)
        digest.update(len(rows).to_bytes(8, "little"))
        digest.update(labels[rows].astype("<i8").tobytes())
        digest.update(scanned.files[rows].tobytes())
    return digest.hexdigest()


def _notes(
    classes: tuple[str, ...], labels: Labels, assigned: Indices, same: Indices, scanned: Scan
) -> list[str]:
    """What was found about the images, a sentence each."""
    notes = []
    left_out = int((assigned == LEFT_OUT).sum())
    if left_out:
        notes.append(
            "images left out because another split has the same or a nearly identical one: "
            f"{left_out:,}"
        )
    sizes = np.bincount(same)
    copies = int((sizes[sizes > 0] - 1).sum()) - left_out
    if copies > 0:
        notes.append(f"copies, or nearly so, of another image in their split: {copies:,}")
    pairs = np.unique(np.stack([same, labels]), axis=1)
    contradictions = int((np.bincount(pairs[0]) > 1).sum())
    if contradictions:
        notes.append(f"images that occur with different labels: {contradictions:,}")
    if scanned.unreadable:
        shown = "; ".join(scanned.unreadable[:_NAMED])
        more = "; ..." if len(scanned.unreadable) > _NAMED else ""
        notes.append(f"unreadable images: {len(scanned.unreadable):,} ({shown}{more})")
    for split in (VALIDATION, TEST):
        without = np.setdiff1d(labels, labels[assigned == split])
        if len(without) and (assigned == split).any():
            notes.append(f"classes without {SPLITS[split]} images: {listed(classes, without)}")
    return notes
