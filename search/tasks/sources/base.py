"""What tasks are drawn from."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from nasprof.registry import Registry
from search.tasks.task import Task, TaskImages


class TaskSource(ABC):
    """Draws tasks, and the images of a task."""

    @abstractmethod
    def draw(self, name: str, part: str, rng: np.random.Generator, where: str = "") -> Task:
        """A task of chance, of classes of that part.

        Args:
            name: what it is called.
            part: whose classes and fonts it is of.
            rng: of everything left to chance.
            where: the data set that it is a part of, if it is of one.

        Raises:
            UsageError: this machine lacks what is needed, with what to install.
        """

    @abstractmethod
    def images(self, task: Task) -> TaskImages:
        """The images of a task, the same each time.

        Raises:
            UsageError: something that it is made of is not there, named.
        """


task_sources: Registry[type[TaskSource]] = Registry(
    "task source",
    {
        "data": "search.tasks.sources.data:DataSource",
        "fonts": "search.tasks.sources.fonts:FontSource",
        "glyphs": "search.tasks.sources.glyphs:GlyphSource",
        "patterns": "search.tasks.sources.patterns:PatternSource",
    },
)
"""One file each."""


def task_images(task: Task) -> TaskImages:
    """The images of a task, the same each time.

    Raises:
        UsageError: something that it is made of is not there, named.
    """
    return task_sources.get(task.source)().images(task)
