"""On which images the batch norm of a supernet's networks is recalibrated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nasprof.errors import UsageError
from nasprof.typing import Indices, JsonObject


@dataclass(frozen=True)
class Recalibration:
    """On which training images the batch norm of each network is recalibrated.

    Args:
        images: how many; 0 leaves the supernet's statistics, which are of no network in particular.
        batch: images at a time.
        seed: draws them.

    Raises:
        UsageError: a number is out of range.
    """

    images: int = 500
    batch: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("images", 0), ("batch", 2), ("seed", 0)):
            value = getattr(self, name)
            if type(value) is not int or value < least:
                raise UsageError(f"recalibration: {name} is {value!r}, expected at least {least}")

    def to_dict(self) -> JsonObject:
        """As JSON."""
        return {"images": self.images, "batch": self.batch, "seed": self.seed}

    def choose(self, available: int) -> Indices:
        """Which of the training images, ``(images,)`` or all there are."""
        order = np.random.default_rng(self.seed).permutation(available)
        return np.sort(order[: self.images]).astype(np.intp)
