"""Tasks of patterns: a class is a pattern, an image a place of it."""

from __future__ import annotations

import numpy as np

from nasprof.typing import Array
from search.tasks.parts import part_of
from search.tasks.patterns import PATTERNS, pattern
from search.tasks.sources.drawn import TESTS, DrawnSource, draw_shots
from search.tasks.style import draw_style
from search.tasks.task import Task

_SIDE = 28
_LEAST_CLASSES, _MOST_CLASSES = 3, 12


class PatternSource(DrawnSource):
    """Patterns told from each other by kind, period, angle and edges."""

    def draw(self, name: str, part: str, rng: np.random.Generator, where: str = "") -> Task:
        known = [number for number in range(PATTERNS) if part_of(f"pattern {number}") == part]
        n_classes = int(rng.integers(_LEAST_CLASSES, _MOST_CLASSES + 1))
        classes = tuple(str(n) for n in sorted(rng.choice(known, n_classes, replace=False)))
        shots, seed = draw_shots(n_classes, rng), int(rng.integers(1 << 31))
        return Task(name, part, "patterns", classes, draw_style(rng), shots, TESTS, seed)

    def figures(
        self, task: Task, label: int, n: int, testing: bool, rng: np.random.Generator
    ) -> Array:
        return pattern(int(task.classes[label])).drawn(_SIDE, np.zeros(n), rng)
