"""What is known of a data set: the features of each of its classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasprof.errors import UsageError
from nasprof.typing import Array, Indices
from search.tasks.encoders.base import DataSetEncoder
from supernets.data.pictures import Pixels

PER_CLASS = 12
"""Images of each class that are looked at."""
LEAST_CLASSES = 2


@dataclass(frozen=True)
class ClassFeatures:
    """Features of the classes of a data set, in whatever order.

    Args:
        means: over a class's images, ``(n_classes, n_features)``.
        spreads: their standard deviations, likewise.
        shots: training images of a class, on average.
        encoder: identity of the encoder.
    """

    means: Array
    spreads: Array
    shots: float
    encoder: str

    @classmethod
    def of(
        cls, encoder: DataSetEncoder, images: Pixels, labels: NDArray[np.int64], shots: float
    ) -> ClassFeatures:
        """Those of labelled images, all of which are looked at.

        Args:
            encoder: turns images into features.
            images: ``(n, h, w, c)``, those of :func:`looked_at`.
            labels: ``(n,)``.
            shots: training images of a class, on average, also those that are not looked at.

        Raises:
            UsageError: there are fewer than two classes.
        """
        classes = np.unique(labels)
        if len(classes) < LEAST_CLASSES:
            raise UsageError(
                f"the images are of {len(classes)} classes, expected at least {LEAST_CLASSES}",
                "Put the pictures of each class into a folder of its own: DIR/CLASS/*.jpg",
            )
        features = encoder.features(images)
        parts = [features[labels == label] for label in classes]
        means = np.stack([part.mean(0) for part in parts])
        spreads = np.stack([part.std(0) for part in parts])
        return cls(means, spreads, shots, encoder.identity)


def looked_at(labels: NDArray[np.int64]) -> Indices:
    """Which images are enough: the first few of each class, in order: ``(n,)``."""
    rows = [np.flatnonzero(labels == label)[:PER_CLASS] for label in np.unique(labels)]
    return np.sort(np.concatenate([*rows, np.zeros(0, np.intp)]))
