"""Networks of one task trained one after the other, in whatever process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from search.tasks.plan import Triplet
from search.tasks.recipe import TaskRecipe
from search.tasks.sources.base import task_images
from search.tasks.task import Task


@dataclass(frozen=True)
class TaskWork:
    """What is to be done of a task.

    Args:
        task: which.
        triplets: its networks that have not been trained.
        recipe: how they are trained.
    """

    task: Task
    triplets: tuple[Triplet, ...]
    recipe: TaskRecipe


@dataclass(frozen=True)
class Done:
    """A network that was trained.

    Args:
        triplet: with its accuracy.
        images: digest of the task's images.
    """

    triplet: Triplet
    images: str


def work_on(work: TaskWork) -> Iterator[Done]:
    """Train the networks of a task; what comes out depends on nothing else.

    Raises:
        UsageError: the task's images cannot be made, naming what is not there.
    """
    from search.tasks.training import TaskTensors, trained_top1
    from supernets.threads import torch_threads

    with torch_threads(1):
        images = task_images(work.task)
        digest = images.digest()
        tensors = TaskTensors.of(images)
    for triplet in work.triplets:
        with torch_threads(1):
            genes = np.array(triplet.genes, np.int8)
            top1 = trained_top1(genes, tensors, work.recipe, triplet.seed)
        yield Done(replace(triplet, top1=round(top1, 4)), digest)


def missing(
    tasks: Sequence[Task], triplets: Sequence[Triplet], recipe: TaskRecipe
) -> list[TaskWork]:
    """What is to be done, a task each."""
    by_task: dict[str, list[Triplet]] = {}
    for triplet in triplets:
        by_task.setdefault(triplet.task, []).append(triplet)
    return [
        TaskWork(task, tuple(by_task[task.name]), recipe) for task in tasks if task.name in by_task
    ]
