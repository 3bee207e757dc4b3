"""Tasks that are a part of a data set, by name or path."""

from __future__ import annotations

import numpy as np

from nasprof.errors import UsageError
from nasprof.typing import Indices
from search.tasks.sources.base import TaskSource
from search.tasks.style import Style
from search.tasks.task import SIDE, Task, TaskImages
from supernets import data as labelled
from supernets.data.data_set import Split

SHOTS, TESTS = 60, 600


class DataSource(TaskSource):
    """Labelled images in any format that :func:`supernets.read_data` reads.

    Its images are used as they are, scaled to the size of tasks.
    """

    def draw(self, name: str, part: str, rng: np.random.Generator, where: str = "") -> Task:
        data = labelled.read_data(where, (SIDE, SIDE, 3))
        seed = int(rng.integers(1 << 31))
        return Task(name, part, "data", data.classes, Style(), SHOTS, TESTS, seed, where=where)

    def images(self, task: Task) -> TaskImages:
        data = labelled.read_data(task.where, (SIDE, SIDE, 3))
        if data.classes != task.classes:
            raise UsageError(
                f"{task.where} has the classes {', '.join(data.classes)}, the task has "
                f"{', '.join(task.classes)}",
                "Is it another data set?",
            )
        train = _balanced(data.train, task.shots, task.rng(1))
        test = _balanced(data.test, -(-task.tests // len(task.classes)), task.rng(2))
        return TaskImages(
            data.train.images(train),
            data.train.labels[train],
            data.test.images(test),
            data.test.labels[test],
        )


def _balanced(split: Split, each: int, rng: np.random.Generator) -> Indices:
    """Images of a split: of each class so many, or all that there are."""
    order = rng.permutation(len(split))
    labels = split.labels[order]
    rows = [order[labels == label][:each] for label in np.unique(labels)]
    return np.concatenate(rows)
