"""Plain statistics of pixels: what images look like without knowing what they show."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Self

import numpy as np

from nasprof.typing import Array
from search.tasks.encoders.base import DataSetEncoder
from supernets.data.pictures import Pixels

_SIDE = 16
_BANDS = 6
_ANGLES = 8
_GRID = 4


class PixelStatistics(DataSetEncoder):
    """Mean and spread of colours, edges and their directions, the spectrum, a coarse picture."""

    image_shape = (_SIDE, _SIDE, 3)
    n_features = 3 + 3 + 1 + 2 + _ANGLES + _BANDS + _GRID * _GRID
    identity = "pixels"

    @classmethod
    def open(cls, weights: Path | None) -> Self:
        return cls()

    def _batch(self, images: Pixels) -> Array:
        colours = images.astype(np.float64) / 255
        grey = colours.mean(3)
        saturation = (colours.max(3) - colours.min(3)).mean((1, 2))[:, None]
        parts = [colours.mean((1, 2)), colours.std((1, 2)), saturation]
        return np.concatenate([*parts, _edges(grey), _spectrum(grey), _coarse(grey)], 1)


def _edges(grey: Array) -> Array:
    """Mean and spread of gradients, and how much of them has which direction."""
    across = np.diff(grey, axis=2)[:, :-1]
    down = np.diff(grey, axis=1)[:, :, :-1]
    strength = np.hypot(across, down)
    angle = np.arctan2(down, across) % np.pi
    place = np.minimum((angle / np.pi * _ANGLES).astype(np.intp), _ANGLES - 1)
    shares = [np.where(place == number, strength, 0).mean((1, 2)) for number in range(_ANGLES)]
    whole = strength.mean((1, 2))
    relative = np.stack(shares, 1) / (whole[:, None] + 1e-6)
    return np.column_stack([whole, strength.std((1, 2)), relative])


def _spectrum(grey: Array) -> Array:
    """Logarithm of the power in bands of frequency, from coarse to fine."""
    power = np.abs(np.fft.fft2(grey - grey.mean((1, 2), keepdims=True))) ** 2
    frequency = np.fft.fftfreq(_SIDE)
    radius = np.hypot(frequency[:, None], frequency)
    edges = np.linspace(0, radius.max() + 1e-9, _BANDS + 1)
    bands = [power[:, (radius >= low) & (radius < high)].mean(1) for low, high in pairwise(edges)]
    return np.log(np.stack(bands, 1) + 1e-3)


def _coarse(grey: Array) -> Array:
    """The picture at 4 x 4, without its mean."""
    cell = _SIDE // _GRID
    small = grey.reshape(len(grey), _GRID, cell, _GRID, cell).mean((2, 4))
    flat = small.reshape(len(grey), _GRID * _GRID)
    centred: Array = flat - flat.mean(1, keepdims=True)
    return centred
