"""Glyphs: characters drawn with fonts by Pillow."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np

from search.tasks.alphabets import ALPHABETS, character_part
from search.tasks.fonts import Font
from supernets.data.pictures import Pixels

SIDE = 28
"""Pixels of a drawn glyph, before it is brought to a task's size."""
_MARGIN = 2
_LEAST_INK = 8
"""Pixels of a glyph; fonts have empty ones for what they lack."""


def characters_of(alphabet: str, part: str, fonts: Iterable[Font], least: int) -> list[str]:
    """Characters of an alphabet in a part that at least so many sources of fonts of it have."""
    fonts = [font for font in fonts if font.part == part]
    known = []
    for character in ALPHABETS[alphabet]:
        sources = {font.source for font in fonts if character in font.characters}
        if character_part(character) == part and len(sources) >= least:
            known.append(character)
    return known


def drawn_glyphs(character: str, fonts: list[Font], rng: np.random.Generator, n: int) -> Pixels:
    """A character in fonts of chance, ``(n, SIDE, SIDE)``: ink 255 on 0.

    As few as possible are of the same font. Fonts in which it is empty are passed over.

    Raises:
        ValueError: it is empty in all of them.
    """
    images: list[Pixels] = []
    order = list(rng.permutation(len(fonts)))
    while order and len(images) < n:
        number = order.pop(0)
        image = glyph(character, fonts[number])
        if image is not None:
            images.append(image)
            order.append(number)
    if not images:
        raise ValueError(f"no font draws {character!r}")
    return np.stack(images)


@lru_cache(maxsize=100_000)
def glyph(character: str, font: Font) -> Pixels | None:
    """A character, filling ``(SIDE, SIDE)`` but for a margin; None where it has no ink."""
    from PIL import Image, ImageDraw, ImageFont

    try:
        face = ImageFont.truetype(str(font.path), SIDE)
        left, upper, right, lower = face.getbbox(character)
        canvas = Image.new("L", (SIDE * 3, SIDE * 3))
        place = ((SIDE * 3 - left - right) / 2, (SIDE * 3 - upper - lower) / 2)
        ImageDraw.Draw(canvas).text(place, character, 255, face)
    except (OSError, ValueError):  # damaged tables
        return None
    box = canvas.getbbox()
    if box is None or np.count_nonzero(np.asarray(canvas)) < _LEAST_INK:
        return None
    return _framed(canvas.crop(box))


def _framed(ink: object) -> Pixels:
    from PIL import Image

    assert isinstance(ink, Image.Image)
    scale = (SIDE - 2 * _MARGIN) / max(ink.size)
    width, height = (max(1, round(side * scale)) for side in ink.size)
    frame = Image.new("L", (SIDE, SIDE))
    scaled = ink.resize((width, height), Image.Resampling.BILINEAR)
    frame.paste(scaled, ((SIDE - width) // 2, (SIDE - height) // 2))
    return np.asarray(frame).copy()
