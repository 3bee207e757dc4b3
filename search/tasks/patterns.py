"""Patterns that fill images: classes of tasks, and what lies behind glyphs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from nasprof.typing import Array

KINDS = ("grating", "rings", "checks", "dots", "blotches", "crosshatch")
PATTERNS = 150
"""How many there are: each is a class of its own."""


@dataclass(frozen=True)
class Pattern:
    """A pattern without its place.

    Args:
        kind: of :data:`KINDS`.
        period: of its repetition, in sides of the image.
        angle: it is turned by, in radians.
        sharpness: of its edges; at 1 it is a wave.
        proportion: of one direction's period to the other's.
    """

    kind: str
    period: float
    angle: float
    sharpness: float
    proportion: float

    def drawn(self, side: int, turns: Array, rng: np.random.Generator) -> Array:
        """Images ``(n, side, side)`` from 0 to 1, each at a place of chance.

        Args:
            side: pixels.
            turns: radians that each is turned by in addition, ``(n,)``.
            rng: of the places.
        """
        angles = (self.angle + turns)[:, None, None]
        across, down = np.meshgrid(*[(np.arange(side) + 0.5) / side] * 2)
        places = rng.uniform(0, 1, (2, len(turns), 1, 1))
        across, down = across + places[0] - 0.5, down + places[1] - 0.5
        u = (across * np.cos(angles) + down * np.sin(angles)) / self.period
        v = (down * np.cos(angles) - across * np.sin(angles)) / (self.period * self.proportion)
        waves = _WAVES[self.kind](2 * np.pi * u, 2 * np.pi * v)
        images: Array = 0.5 + 0.5 * np.tanh(self.sharpness * waves) / np.tanh(self.sharpness)
        return images


def _grating(u: Array, v: Array) -> Array:
    return np.sin(u)


def _rings(u: Array, v: Array) -> Array:
    return np.sin(np.hypot(u, v))


def _checks(u: Array, v: Array) -> Array:
    return np.sin(u) * np.sin(v)


def _dots(u: Array, v: Array) -> Array:
    return (np.sin(u) + np.sin(v)) / 2 + np.sin(u) * np.sin(v) / 2 - 0.3


def _blotches(u: Array, v: Array) -> Array:
    return (np.sin(u + 1.3 * np.sin(0.7 * v)) + np.sin(0.6 * v + 1.7 * np.sin(0.45 * u))) / 2


def _crosshatch(u: Array, v: Array) -> Array:
    return np.maximum(np.sin(u), np.sin(v)) - 0.4


_WAVES = {
    "grating": _grating,
    "rings": _rings,
    "checks": _checks,
    "dots": _dots,
    "blotches": _blotches,
    "crosshatch": _crosshatch,
}


@cache
def pattern(number: int) -> Pattern:
    """The pattern of that number, the same at all times."""
    rng = np.random.default_rng([20, number])
    return Pattern(
        KINDS[number % len(KINDS)],
        period=float(np.exp(rng.uniform(np.log(0.15), np.log(0.8)))),
        angle=float(rng.uniform(0, np.pi)),
        sharpness=float(np.exp(rng.uniform(np.log(0.7), np.log(4)))),
        proportion=float(np.exp(rng.uniform(-0.7, 0.7))),
    )
