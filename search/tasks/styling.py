"""Figures turned, moved, scaled, put on a ground, coloured, reduced and made noisy."""

from __future__ import annotations

import numpy as np

from nasprof.typing import Array
from search.tasks.patterns import PATTERNS, pattern
from search.tasks.style import Style
from supernets.data.pictures import Pixels


def styled(figures: Array, style: Style, side: int, rng: np.random.Generator) -> Pixels:
    """Images of figures.

    Args:
        figures: ``(n, h, h)`` from 0 (ground) to 1.
        style: how they are drawn.
        side: pixels of the images.
        rng: of everything left to chance.

    Returns:
        ``(n, side, side, 3)``.
    """
    ink = _moved(figures, style, side, rng)
    ground, figure = _colours(len(ink), style, rng)
    if style.texture:
        behind = _behind(len(ink), side, rng)[..., None]
        other = rng.uniform(0, 1, (len(ink), 1, 1, 3 if style.coloured else 1))
        ground = ground + style.texture * behind * (other - ground)
    images = ground + ink[..., None] * (figure - ground)
    if style.resolution:
        images = _reduced(images, style.resolution)
    images = images + style.noise * rng.standard_normal(images.shape)
    return np.clip(np.rint(images * 255), 0, 255).astype(np.uint8)


def _moved(figures: Array, style: Style, side: int, rng: np.random.Generator) -> Array:
    """Figures turned, moved and scaled, ``(n, side, side)``, by bilinear interpolation."""
    n, size = len(figures), figures.shape[1]
    turns = np.deg2rad(rng.uniform(-style.rotation, style.rotation, n))
    scales = 1 / (1 - rng.uniform(0, style.scaling, n))
    moves = rng.uniform(-style.shift, style.shift, (2, n, 1, 1))
    fine = 2  # samples a side of each pixel: antialiased
    at = (np.arange(side * fine) + 0.5) / (side * fine) - 0.5
    x, y = np.meshgrid(at, at)
    x, y = x - moves[0], y - moves[1]
    sine, cosine = (f(turns)[:, None, None] * scales[:, None, None] for f in (np.sin, np.cos))
    across, down = x * cosine + y * sine, y * cosine - x * sine
    values = _sampled(figures, (across + 0.5) * size - 0.5, (down + 0.5) * size - 0.5)
    pixels: Array = values.reshape(n, side, fine, side, fine).mean((2, 4))
    return pixels


def _sampled(figures: Array, across: Array, down: Array) -> Array:
    """Values at places in pixels; 0 outside."""
    padded = np.pad(figures, ((0, 0), (1, 2), (1, 2)))
    most = figures.shape[1]
    across, down = np.clip(across, -1, most) + 1, np.clip(down, -1, most) + 1
    column, row = across.astype(np.intp), down.astype(np.intp)
    right, low = across - column, down - row
    image = np.arange(len(figures))[:, None, None]
    above = padded[image, row, column] * (1 - right) + padded[image, row, column + 1] * right
    row = row + 1
    below = padded[image, row, column] * (1 - right) + padded[image, row, column + 1] * right
    return above * (1 - low) + below * low


def _colours(n: int, style: Style, rng: np.random.Generator) -> tuple[Array, Array]:
    """Of grounds and figures, ``(n, 1, 1, c)`` each."""
    channels = 3 if style.coloured else 1
    bright = rng.uniform(0.65, 1, (n, 1, 1, channels))
    dark = rng.uniform(0, 0.35, (n, 1, 1, channels))
    flipped = rng.random((n, 1, 1, 1)) < (0.5 if style.inverted else 0.0)
    ground, figure = np.where(flipped, dark, bright), np.where(flipped, bright, dark)
    return np.broadcast_to(ground, (n, 1, 1, 3)), np.broadcast_to(figure, (n, 1, 1, 3))


def _behind(n: int, side: int, rng: np.random.Generator) -> Array:
    """Patterns of chance ``(n, side, side)``, of some kinds in a task."""
    kinds = rng.integers(0, PATTERNS, 8)
    which = rng.integers(0, len(kinds), n)
    turns = rng.uniform(0, 2 * np.pi, n)
    images = np.empty((n, side, side))
    for number, kind in enumerate(kinds):
        rows = np.flatnonzero(which == number)
        images[rows] = pattern(int(kind)).drawn(side, turns[rows], rng)
    return images


def _reduced(images: Array, resolution: int) -> Array:
    """Images with the detail of so many pixels a side, at their own size."""
    side = images.shape[1]
    weights = _overlaps(side, resolution)
    small = np.einsum("ia,jb,nabc->nijc", weights, weights, images, optimize=True)
    back = np.minimum(np.arange(side) * resolution // side, resolution - 1)
    scaled: Array = small[:, back][:, :, back]
    return scaled


def _overlaps(side: int, resolution: int) -> Array:
    """Share of each pixel in the mean that a larger one is of: ``(resolution, side)``."""
    edges = np.linspace(0, side, resolution + 1)
    pixels = np.arange(side)
    lows = np.maximum(edges[:-1, None], pixels)
    highs = np.minimum(edges[1:, None], pixels + 1)
    shares: Array = np.clip(highs - lows, 0, None) * resolution / side
    return shares
