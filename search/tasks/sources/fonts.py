"""Tasks of fonts: a class is a font, an image one of its characters."""

from __future__ import annotations

import numpy as np

from nasprof.typing import Array
from search.tasks.alphabets import ALPHABETS, character_part
from search.tasks.fonts import installed_fonts, require_enough
from search.tasks.glyphs import glyph
from search.tasks.sources.drawn import TESTS, DrawnSource, draw_shots
from search.tasks.sources.glyphs import known_fonts
from search.tasks.style import draw_style
from search.tasks.task import Task

_LETTERS = ALPHABETS["latin-upper"] + ALPHABETS["latin-lower"] + ALPHABETS["digits"]
_LEAST_CLASSES, _MOST_CLASSES = 3, 8


class FontSource(DrawnSource):
    """Fonts told from each other by their letters; test images are of other letters."""

    def draw(self, name: str, part: str, rng: np.random.Generator, where: str = "") -> Task:
        require_enough(installed_fonts())
        letters = set(_characters(part))
        able = {
            f.source: f for f in installed_fonts() if f.part == part and letters <= f.characters
        }
        sources = sorted(able)
        n_classes = int(rng.integers(_LEAST_CLASSES, _MOST_CLASSES + 1))
        chosen = sorted(rng.permutation(len(sources))[:n_classes])
        classes = tuple(able[sources[number]].path.name for number in chosen)
        shots, seed = draw_shots(n_classes, rng), int(rng.integers(1 << 31))
        return Task(name, part, "fonts", classes, draw_style(rng), shots, TESTS, seed, classes)

    def figures(
        self, task: Task, label: int, n: int, testing: bool, rng: np.random.Generator
    ) -> Array:
        (font,) = known_fonts(task.fonts[label : label + 1])
        drawn = [glyph(character, font) for character in _characters(task.part)[testing::2]]
        images = np.stack([image for image in drawn if image is not None])
        return images[rng.integers(0, len(images), n)] / 255.0


def _characters(part: str) -> list[str]:
    return [character for character in _LETTERS if character_part(character) == part]
