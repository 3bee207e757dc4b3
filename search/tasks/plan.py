"""Which networks are trained on which tasks: all of it follows from settings and a seed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nasprof.errors import UsageError
from nasprof.settings import Settings, setting
from search.tasks.anchors import ANCHORS, drawn_cells
from search.tasks.parts import META_TRAIN, PARTS, UNSEEN
from search.tasks.sources.base import task_sources
from search.tasks.task import Task
from spaces import Genes


@dataclass(frozen=True)
class PlanSettings(Settings):
    """How many tasks, and networks of each.

    Args:
        meta_train: tasks that are learned from.
        unseen: tasks of other classes and fonts, besides data sets.
        cells: networks of each task that is learned from, the anchors among them.
        unseen_cells: networks of each other task.
        sources: that tasks are drawn from in turn, separated by commas.
        repeated: unseen tasks whose networks are all trained a second time, with another seed:
            what chance does to their order. Those of data sets always are.
    """

    owner: ClassVar[str] = "the plan of tasks"

    meta_train: int = setting(110, "tasks that are learned from", 0, 100_000)
    unseen: int = setting(36, "tasks of other classes and fonts", 0, 100_000)
    cells: int = setting(18, "networks of a task that is learned from", len(ANCHORS), 10_000)
    unseen_cells: int = setting(26, "networks of an unseen task", len(ANCHORS), 10_000)
    repeated: int = setting(12, "unseen tasks whose networks are trained twice", 0, 100_000)

    sources: str = setting("glyphs,glyphs,patterns,glyphs,fonts", "that tasks are drawn from")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in self.sources.split(","):
            task_sources.get(name)
        if not self.meta_train + self.unseen:
            raise UsageError("there are no tasks to draw: meta_train and unseen are 0")


@dataclass(frozen=True)
class Triplet:
    """A network that is trained on a task.

    Args:
        task: by name.
        genes: of the cell, as a tuple.
        seed: of the training.
        top1: test accuracy in percent; None before it is trained.
    """

    task: str
    genes: tuple[int, ...]
    seed: int
    top1: float | None = None

    @property
    def key(self) -> tuple[str, tuple[int, ...], int]:
        """What tells it from others."""
        return self.task, self.genes, self.seed


@dataclass(frozen=True)
class Plan:
    """Tasks, and the networks that are trained on each.

    Args:
        tasks: in the order in which they are done.
        triplets: likewise, those of a task together.
        seed: that everything was drawn with.
    """

    tasks: tuple[Task, ...]
    triplets: tuple[Triplet, ...]
    seed: int

    def digest(self) -> str:
        """SHA-256 of it: two plans with the same one give the same triplets."""
        tasks = [task.to_dict() for task in self.tasks]
        triplets = [[t.task, t.genes, t.seed] for t in self.triplets]
        return hashlib.sha256(json.dumps([tasks, triplets]).encode()).hexdigest()


def draw_plan(settings: PlanSettings, seed: int, data: Sequence[tuple[str, str]] = ()) -> Plan:
    """Tasks of chance, and networks for each.

    Args:
        settings: how many.
        seed: of everything.
        data: names and places of data sets that are unseen tasks.

    Raises:
        UsageError: this machine lacks fonts or a data set, with what to install.
    """
    counts = {META_TRAIN: settings.meta_train, UNSEEN: settings.unseen}
    tasks = [
        _drawn(settings, part, number, seed) for part in PARTS for number in range(counts[part])
    ]
    tasks += [_of_data(name, where, number, seed) for number, (name, where) in enumerate(data)]
    order = np.random.default_rng([seed, 3]).permutation(len(tasks))
    triplets: list[Triplet] = []
    for number in order:
        twice = number >= len(tasks) - len(data) or (
            counts[META_TRAIN] <= number < counts[META_TRAIN] + settings.repeated
        )
        triplets += _triplets(tasks[number], settings, 1 + twice)
    return Plan(tuple(tasks[number] for number in order), tuple(triplets), seed)


def _drawn(settings: PlanSettings, part: str, number: int, seed: int) -> Task:
    rng = np.random.default_rng([seed, PARTS.index(part), number])
    names = settings.sources.split(",")
    source = task_sources.get(names[number % len(names)])
    return source().draw(f"{part}-{number:03d}", part, rng)


def _of_data(name: str, where: str, number: int, seed: int) -> Task:
    rng = np.random.default_rng([seed, 2, number])
    return task_sources.get("data")().draw(name, UNSEEN, rng, where)


def _triplets(task: Task, settings: PlanSettings, repeats: int) -> list[Triplet]:
    n_cells = settings.cells if task.part == META_TRAIN else settings.unseen_cells
    cells = np.concatenate([ANCHORS, drawn_cells(n_cells - len(ANCHORS), task.rng(3))])
    return [
        Triplet(task.name, as_tuple(row), int(seed))
        for seed in task.rng(4).integers(0, 1 << 31, repeats)
        for row in cells
    ]


def as_tuple(genes: Genes) -> tuple[int, ...]:
    """Genes ``(6,)`` as whole numbers."""
    return tuple(int(gene) for gene in genes)
