"""Tasks of characters: a class is a character, an image one of its glyphs."""

from __future__ import annotations

import numpy as np

from nasprof.errors import UsageError
from nasprof.typing import Array
from search.tasks.alphabets import ALPHABETS
from search.tasks.fonts import Font, installed_fonts, require_enough
from search.tasks.glyphs import characters_of, drawn_glyphs
from search.tasks.sources.drawn import TESTS, DrawnSource, draw_shots
from search.tasks.style import draw_style
from search.tasks.task import Task

_LEAST_SOURCES = 4
_LEAST_CLASSES, _MOST_CLASSES = 3, 16
_MOST_FONTS = 24


class GlyphSource(DrawnSource):
    """Characters of one alphabet, each in many fonts; test images are of other fonts."""

    def draw(self, name: str, part: str, rng: np.random.Generator, where: str = "") -> Task:
        fonts = installed_fonts()
        require_enough(fonts)
        every = {a: characters_of(a, part, fonts, _LEAST_SOURCES) for a in ALPHABETS}
        usable = [a for a, characters in every.items() if len(characters) >= _LEAST_CLASSES]
        characters = every[usable[rng.integers(len(usable))]]
        n_classes = int(rng.integers(_LEAST_CLASSES, min(_MOST_CLASSES, len(characters)) + 1))
        classes = sorted(str(c) for c in rng.choice(characters, n_classes, replace=False))
        able = [f for f in fonts if f.part == part and set(classes) <= f.characters]
        chosen = rng.permutation(len(able))[:_MOST_FONTS]
        names = tuple(able[number].path.name for number in chosen)
        shots, seed = draw_shots(n_classes, rng), int(rng.integers(1 << 31))
        style = draw_style(rng)
        return Task(name, part, "glyphs", tuple(classes), style, shots, TESTS, seed, names)

    def figures(
        self, task: Task, label: int, n: int, testing: bool, rng: np.random.Generator
    ) -> Array:
        fonts = known_fonts(task.fonts)[testing::2]
        return drawn_glyphs(task.classes[label], fonts, rng, n) / 255.0


def known_fonts(names: tuple[str, ...]) -> list[Font]:
    """The installed fonts of these files.

    Raises:
        UsageError: one is not installed.
    """
    fonts = {font.path.name: font for font in installed_fonts()}
    for name in names:
        if name not in fonts:
            raise UsageError(
                f"the font {name} is not installed, which a task is drawn with",
                "Install the fonts that the tasks were drawn with, or draw tasks anew: --fresh.",
            )
    return [fonts[name] for name in names]
