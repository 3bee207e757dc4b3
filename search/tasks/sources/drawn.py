"""Tasks whose images are figures drawn in a style: what glyphs, fonts and patterns share."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from nasprof.typing import Array
from search.tasks.sources.base import TaskSource
from search.tasks.styling import styled
from search.tasks.task import SIDE, Task, TaskImages
from supernets.data.pictures import Pixels

SHOTS = (16, 32, 64, 128)
MOST_IMAGES = 1_000
TESTS = 600
_TRAIN, _TEST = 1, 2


class DrawnSource(TaskSource):
    """A source whose classes are drawn as figures."""

    @abstractmethod
    def figures(
        self, task: Task, label: int, n: int, testing: bool, rng: np.random.Generator
    ) -> Array:
        """Figures of a class, ``(n, h, h)`` from 0 to 1."""

    def images(self, task: Task) -> TaskImages:
        tests = -(-task.tests // len(task.classes))
        train, train_labels = self._split(task, task.shots, False)
        test, test_labels = self._split(task, tests, True)
        return TaskImages(train, train_labels, test, test_labels)

    def _split(self, task: Task, each: int, testing: bool) -> tuple[Pixels, np.ndarray]:
        rng = task.rng(_TEST if testing else _TRAIN)
        labels = range(len(task.classes))
        figures = [self.figures(task, label, each, testing, rng) for label in labels]
        images = styled(np.concatenate(figures), task.style, SIDE, rng)
        return images, np.repeat(np.arange(len(task.classes)), each)


def draw_shots(n_classes: int, rng: np.random.Generator) -> int:
    """Training images of a class."""
    return min(int(rng.choice(SHOTS)), MOST_IMAGES // n_classes)
