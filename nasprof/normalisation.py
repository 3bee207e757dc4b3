"""How pixels are normalised before a network sees them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import SupportsFloat

import numpy as np
from numpy.typing import NDArray

from nasprof.errors import UsageError
from nasprof.reader import Reader, brief
from nasprof.typing import Array, JsonObject


@dataclass(frozen=True)
class Normalisation:
    """What a network sees of pixels of 0 to 255: ``(x/255 - mean) / std``.

    Args:
        mean: of pixels scaled to 0..1, a channel each, or one for all channels.
        std: likewise their standard deviation.

    Raises:
        UsageError: numbers that are not finite, deviations that are not above 0, or not as many.

    >>> Normalisation((0.5,), (0.25,)).normalised(np.array([[[[0, 255]]]], np.uint8)).tolist()
    [[[[-2.0, 2.0]]]]
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        for name in ("mean", "std"):
            object.__setattr__(self, name, _numbers(name, getattr(self, name)))
        if len(self.mean) != len(self.std) or not self.mean:
            raise UsageError(
                f"mean has {len(self.mean)} and std {len(self.std)} numbers, "
                "expected as many, one a channel"
            )
        if min(self.std) <= 0:
            raise UsageError(f"std is {brief(self.std)}, expected numbers above 0")

    @classmethod
    def of_sums(cls, sums: Array, squares: Array, pixels: int) -> Normalisation:
        """By the mean and the standard deviation of images, to six digits.

        Args:
            sums: of their values of 0 to 255, ``(c,)``.
            squares: sums of the squares of these, ``(c,)``.
            pixels: how many values there are a channel.

        Raises:
            UsageError: there are none.
        """
        if not pixels:
            raise UsageError("no image to normalise by")
        mean = sums / pixels
        std = np.sqrt(np.maximum(squares / pixels - mean**2, 1.0))
        return cls(tuple((mean / 255).round(6).tolist()), tuple((std / 255).round(6).tolist()))

    def factors(self, channels: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """What pixels are multiplied by, and what is added then: ``(channels,)`` each.

        Raises:
            UsageError: the normalisation is of another number of channels.
        """
        if len(self.mean) not in (1, channels):
            raise UsageError(
                f"pixels are normalised in {len(self.mean)} channels, expected {channels}",
                "Give a mean and a deviation a channel, or one for all.",
            )
        std = np.broadcast_to(np.array(self.std), (channels,))
        mean = np.broadcast_to(np.array(self.mean), (channels,))
        return (1 / (255 * std)).astype(np.float32), (-mean / std).astype(np.float32)

    def normalised(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What the network sees of pixels ``(..., c)``.

        Raises:
            UsageError: as :meth:`factors`.
        """
        scale, shift = self.factors(pixels.shape[-1])
        return pixels.astype(np.float32) * scale + shift

    def to_dict(self) -> JsonObject:
        """As JSON."""
        return {"mean": list(self.mean), "std": list(self.std)}

    @classmethod
    def from_dict(cls, data: object, where: str = "normalisation") -> Normalisation:
        """From what :meth:`to_dict` gave.

        Raises:
            UsageError: naming the field that is wrong.
        """
        reader = Reader(data, where)
        kind = "a list of numbers"
        return cls(tuple(reader.take("mean", kind)), tuple(reader.take("std", kind)))


def _numbers(name: str, values: Iterable[SupportsFloat]) -> tuple[float, ...]:
    try:
        numbers = tuple(float(value) for value in values)
    except (TypeError, ValueError):
        numbers = (np.nan,)
    if not np.isfinite(numbers).all():
        raise UsageError(f"{name} is {brief(values)}, expected finite numbers, one a channel")
    return numbers


IMAGENET = Normalisation((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""What networks trained on ImageNet usually see, those of Once-for-All (``imagenet.py``) too."""
