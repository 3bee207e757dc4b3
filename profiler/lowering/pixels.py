"""Inputs of raw pixels, which the file itself normalises before the first operation.

Normalisation is a cast, a product and a sum of its own, and not folded into the first
convolution: its padding is of zeros that are normalised already. All of it is in float32, also in
fp16 and int8 files.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasprof.errors import UsageError
from nasprof.reader import brief
from nasprof.typing import JsonObject
from profiler.lowering.fold import Array
from spaces.graph import Network

FLOAT, SCALED, NORMALISED = STAGES = ("input.float", "input.scaled", "input.normalised")
"""Values on the way from pixels to what the network sees, and the operations that make them."""


def _numbers(name: str, values: Iterable[Any]) -> tuple[float, ...]:
    try:
        numbers = tuple(float(value) for value in values)
    except (TypeError, ValueError):
        numbers = (np.nan,)
    if not np.isfinite(numbers).all():
        raise UsageError(f"{name} is {brief(values)}, expected finite numbers, one a channel")
    return numbers


@dataclass(frozen=True)
class PixelInput:
    """An input of pixels as uint8, 0 to 255, of which the file computes ``(x/255 - mean) / std``.

    Args:
        mean: of pixels scaled to 0..1, a channel each, or one for all channels.
        std: likewise their standard deviation.

    Raises:
        UsageError: numbers that are not finite, deviations that are not above 0, or not as many.

    >>> PixelInput((0.5,), (0.25,)).normalised(np.array([[[[0, 255]]]], np.uint8)).tolist()
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

    def factors(self, channels: int) -> tuple[Array, Array]:
        """What pixels are multiplied by, and what is added then: ``(channels,)`` each."""
        std = np.broadcast_to(np.array(self.std), (channels,))
        mean = np.broadcast_to(np.array(self.mean), (channels,))
        return (1 / (255 * std)).astype(np.float32), (-mean / std).astype(np.float32)

    def normalised(self, pixels: NDArray[np.uint8]) -> Array:
        """What the network sees of pixels ``(..., c)``."""
        scale, shift = self.factors(pixels.shape[-1])
        return pixels.astype(np.float32) * scale + shift

    def check(self, network: Network) -> None:
        """Look whether a network has one input, of as many channels.

        Raises:
            UsageError: it has not.
        """
        if len(network.inputs) != 1:
            raise UsageError(f"{network.name} has {len(network.inputs)} inputs, expected one image")
        channels = network.inputs[0][2]
        if len(self.mean) not in (1, channels):
            raise UsageError(
                f"pixels are normalised in {len(self.mean)} channels, the network has {channels}",
                "Give a mean and a deviation a channel, or one for all.",
            )

    def to_dict(self) -> JsonObject:
        """As JSON."""
        return {"mean": list(self.mean), "std": list(self.std)}


IMAGENET = PixelInput((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""What networks trained on ImageNet usually see, those of Once-for-All too."""
