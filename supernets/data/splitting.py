"""Which image is in which split: seeded, stratified by class, equal images on one side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nasprof.errors import UsageError
from nasprof.reader import brief
from nasprof.typing import Indices
from supernets.data.options import DataOptions
from supernets.data.samples import SPLITS, TEST, TRAIN, UNASSIGNED, VALIDATION, Labels

LEFT_OUT = -2
"""The split of an image that another split has already."""


def assign(
    labels: Labels, given: Indices, groups: Indices, options: DataOptions, seed: int
) -> Indices:
    """The split of each image, or :data:`LEFT_OUT`.

    Splits that are given are kept, less the training images that validation or test have too, and
    the validation images that test has. What is not given is taken from the training images, a
    share of each class, whole groups at a time.

    Args:
        labels: ``(n,)``.
        given: ``(n,)``, the split each is given in or unassigned.
        groups: ``(n,)``, equal for images that are the same.
        options: the shares.
        seed: of the drawing; the order of the images matters as well.

    Returns:
        ``(n,)``.
    """
    splits = np.where(given == UNASSIGNED, TRAIN, given)
    for later in (TEST, VALIDATION):
        held = np.isin(groups, groups[splits == later])
        splits[held & (splits < later) & (splits >= TRAIN)] = LEFT_OUT
    shares = {
        split: share
        for split, share in ((TEST, options.test), (VALIDATION, options.validation))
        if share and not (given == split).any()
    }
    rng = np.random.default_rng(seed)
    for label in np.unique(labels[splits == TRAIN]):
        members = np.flatnonzero((splits == TRAIN) & (labels == label))
        for split, chosen in _drawn(members, groups, shares, rng).items():
            splits[chosen] = split
    _keep_together(splits, groups)
    return splits


def _drawn(
    members: Indices, groups: Indices, shares: dict[int, float], rng: np.random.Generator
) -> dict[int, Indices]:
    """Images of one class for each split that is to be made: whole groups, as near as they get."""
    drawn: dict[int, Indices] = {}
    left = members[rng.permutation(len(members))]
    for number, (split, share) in enumerate(shares.items()):
        _, first, inverse, sizes = np.unique(
            groups[left], return_index=True, return_inverse=True, return_counts=True
        )
        # One group at least is left for each of the splits to come, and for training.
        spare = len(first) - (len(shares) - number)
        order = np.argsort(first)
        chosen = _filled(sizes[order], max(1, round(share * len(members))), spare)
        taken = np.isin(inverse, order[chosen])
        drawn[split], left = left[taken], left[~taken]
    return drawn


def _filled(sizes: Indices, wanted: int, most: int) -> Indices:
    """The first groups ``(n_chosen,)`` of these sizes that fit into ``wanted`` images.

    Args:
        sizes: ``(n,)``.
        wanted: images.
        most: groups.

    Returns:
        Their indices; the smallest one if none fits, and none if there may be none.
    """
    chosen: list[int] = []
    left = wanted
    for number, size in enumerate(sizes.tolist()):
        if not left or len(chosen) >= most:
            break
        if size <= left:
            chosen.append(number)
            left -= size
    if not chosen and most > 0:
        chosen = [int(np.argmin(sizes))]
    return np.array(chosen, np.intp)


def _keep_together(splits: Indices, groups: Indices) -> None:
    """Leave out of earlier splits what a later one has: equal images of different classes."""
    for later in (TEST, VALIDATION):
        held = np.isin(groups, groups[splits == later])
        splits[held & (splits < later) & (splits >= TRAIN)] = LEFT_OUT


def require_enough(
    labels: Labels,
    classes: Sequence[str],
    given: Indices,
    groups: Indices,
    options: DataOptions,
) -> None:
    """Every class has what each split needs.

    Raises:
        UsageError: naming the classes that have not.
    """
    if len(classes) < 2:
        has = f"one class, {brief(classes[0])}" if classes else "no images"
        raise UsageError(
            f"the data set has {has}, expected images of at least 2 classes",
            "Is it the folder of class folders that was named?",
        )
    training = (given == TRAIN) | (given == UNASSIGNED)
    without = np.setdiff1d(np.arange(len(classes)), labels[training])
    if len(without):
        where = SPLITS[int(given[labels == without[0]].max(initial=TRAIN))]
        raise UsageError(
            f"classes without training images: {listed(classes, without)} (in {where} only)",
            "Add training images of them, or remove them.",
        )
    made = [
        SPLITS[split]
        for split, share in ((VALIDATION, options.validation), (TEST, options.test))
        if share and not (given == split).any()
    ]
    counts = np.array(
        [len(np.unique(groups[training & (labels == label)])) for label in range(len(classes))]
    )
    few = np.flatnonzero(counts <= len(made))
    if len(few):
        numbers = ", ".join(str(count) for count in counts[few[:5]])
        raise UsageError(
            f"too few different images to split: {listed(classes, few)} "
            f"({'has' if len(few) == 1 else 'have'} {numbers}), expected at least {len(made) + 1} "
            f"of each class, one each for {', '.join(('train', *made))}",
            "Add images of these classes, or remove the classes.",
        )


def listed(classes: Sequence[str], labels: Indices) -> str:
    """The first few of these classes, for a message."""
    shown = ", ".join(brief(classes[label]) for label in labels[:5])
    return f"{shown}, ... ({len(labels):,} in all)" if len(labels) > 5 else shown
