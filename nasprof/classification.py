"""How often a classifier was right: hits among the first classes, intervals, accuracy by class."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nasprof.errors import NasprofError, UsageError
from nasprof.typing import Array, Flags, JsonObject

Logits: TypeAlias = NDArray[np.floating[Any]]
"""What a classifier says of images: ``(n, classes)``."""
Labels: TypeAlias = NDArray[np.integer[Any]]
"""Numbers of the right classes: ``(n,)``."""


def wilson_interval(hits: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """The score interval of a share, in percent.

    It lies within 0 and 100, and has its confidence also where nearly all or nearly none are hits
    (Wilson 1927, Probable inference, the law of succession, and statistical inference, JASA 22).

    Args:
        hits: how many of ``n`` were right.
        n: how many there were.
        confidence: share of such intervals that cover the true share, between 0 and 1.

    Returns:
        Lower and upper end, in percent.

    Raises:
        UsageError: no observations, more hits than observations, or no confidence.

    >>> [round(end, 2) for end in wilson_interval(8277, 10_000)]
    [82.02, 83.5]
    """
    if n < 1 or not 0 <= hits <= n:
        raise UsageError(f"{hits} hits of {n}, expected at least one observation and 0 to n hits")
    if not 0 < confidence < 1:
        raise UsageError(f"confidence is {confidence:g}, expected a share between 0 and 1")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, weight = hits / n, z * z / n
    centre = share + weight / 2
    reach = z * (share * (1 - share) / n + weight / (4 * n)) ** 0.5
    low, high = (100 * (centre + sign * reach) / (1 + weight) for sign in (-1, 1))
    return max(low, 0.0), min(high, 100.0)


def top_k_hits(logits: Logits, labels: Labels, k: int) -> Flags:
    """Whether the right class is among the ``k`` classes with the greatest logits.

    Of classes with equal logits the first comes first, as with ``argmax``.

    Args:
        logits: ``(n, classes)``; anything that ranks classes will do.
        labels: number of the right class ``(n,)``.
        k: how many classes count.

    Returns:
        A flag an image: ``(n,)``.

    Raises:
        UsageError: shapes, labels or ``k`` that do not go together.
        NasprofError: logits that are NaN.
    """
    _check(logits, labels)
    if k < 1:
        raise UsageError(f"top-{k} is asked for, expected a number of classes of at least 1")
    own = logits[np.arange(len(labels)), labels][:, None]
    earlier = np.arange(logits.shape[1]) < labels[:, None]
    before = (logits > own) | ((logits == own) & earlier)
    hits: Flags = before.sum(axis=1) < k
    return hits


def class_accuracies(hits: Flags, labels: Labels, classes: int) -> Array:
    """The share of hits among the images of each class.

    Args:
        hits: a flag an image ``(n,)``.
        labels: number of the right class ``(n,)``.
        classes: how many classes there are.

    Returns:
        Percent a class ``(classes,)``; NaN for classes without an image.
    """
    totals = np.bincount(labels, minlength=classes)
    right = np.bincount(labels, weights=hits, minlength=classes)
    return np.where(totals > 0, 100 * right / np.maximum(totals, 1), np.nan)


@dataclass(frozen=True)
class Accuracy:
    """How often a classifier was right on labelled images.

    Args:
        n: images.
        top1: percent whose greatest logit was that of the right class.
        low: lower end of the 95 % Wilson interval of ``top1``, in percent.
        high: its upper end.
        top5: percent with the right class among the first five; None with up to five classes.
        by_class: top-1 in percent a class; None for a class without an image.
    """

    n: int
    top1: float
    low: float
    high: float
    top5: float | None
    by_class: tuple[float | None, ...]

    def to_dict(self) -> JsonObject:
        """As JSON."""
        return {
            "top1": self.top1,
            "low": self.low,
            "high": self.high,
            "n": self.n,
            "top5": self.top5,
            "by_class": list(self.by_class),
        }


_TOP = 5


def accuracy(logits: Logits, labels: Labels) -> Accuracy:
    """The accuracy of a classifier from what it said of labelled images.

    Args:
        logits: ``(n, classes)``.
        labels: number of the right class ``(n,)``.

    Raises:
        UsageError: shapes or labels that do not go together, or no image.
        NasprofError: logits that are NaN.
    """
    hits = top_k_hits(logits, labels, 1)
    n, classes = logits.shape
    low, high = wilson_interval(int(hits.sum()), n)
    shares = class_accuracies(hits, labels, classes)
    return Accuracy(
        n=n,
        top1=100 * float(hits.mean()),
        low=low,
        high=high,
        top5=100 * float(top_k_hits(logits, labels, _TOP).mean()) if classes > _TOP else None,
        by_class=tuple(None if np.isnan(share) else float(share) for share in shares),
    )


def _check(logits: Logits, labels: Labels) -> None:
    if logits.ndim != 2 or labels.shape != logits.shape[:1] or not logits.size:
        raise UsageError(
            f"logits have shape {logits.shape} and labels {labels.shape}, "
            "expected (n, classes) and (n,), both at least 1"
        )
    if labels.dtype.kind not in "iu":
        raise UsageError(f"labels are of type {labels.dtype}, expected whole numbers")
    if labels.min() < 0 or labels.max() >= logits.shape[1]:
        raise UsageError(
            f"labels are {labels.min()} to {labels.max()}, "
            f"expected 0 to {logits.shape[1] - 1}: a logit a class"
        )
    wrong = int(np.isnan(logits).any(axis=1).sum())
    if wrong:
        raise NasprofError(
            f"the logits of {wrong} of {len(logits)} images are NaN",
            "The weights are of a training that has diverged, or too large for this precision.",
        )
