"""A task: a small data set of images, told by what it is drawn from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from nasprof.errors import UsageError
from nasprof.reader import Reader
from nasprof.typing import JsonObject
from search.tasks.parts import PARTS
from search.tasks.style import Style
from supernets.data.pictures import Pixels

SIDE = 16
"""Pixels of a side of every task's images."""
_PLAIN = {
    **dict.fromkeys(("name", "part", "source", "where"), "a string"),
    **dict.fromkeys(("shots", "tests", "seed"), "a whole number"),
}


@dataclass(frozen=True)
class Task:
    """A classification task.

    Args:
        name: its own among all tasks.
        part: ``meta-train``, or ``unseen``: its classes and fonts are in no task of the other.
        source: of :data:`search.tasks.sources.base.task_sources`.
        classes: names: characters, files of fonts, numbers of patterns, or of a data set.
        style: how images are drawn.
        shots: training images of each class.
        tests: test images, of all classes.
        seed: of all images.
        fonts: files by name that glyphs are drawn with; none of other sources.
        where: name or path of a data set.
    """

    name: str
    part: str
    source: str
    classes: tuple[str, ...]
    style: Style
    shots: int
    tests: int
    seed: int
    fonts: tuple[str, ...] = ()
    where: str = ""

    def rng(self, purpose: int) -> np.random.Generator:
        """A generator for one purpose, the same each time."""
        return np.random.default_rng([self.seed, purpose])

    def to_dict(self) -> JsonObject:
        """As JSON."""
        whole = {name: getattr(self, name) for name in _PLAIN}
        lists = {"classes": list(self.classes), "fonts": list(self.fonts)}
        return {**whole, "style": self.style.to_dict(), **lists}

    @classmethod
    def from_dict(cls, value: JsonObject) -> Self:
        """From JSON.

        Raises:
            UsageError: a field is missing or of another type.
        """
        reader = Reader(value, "task")
        plain: JsonObject = {name: reader.take(name, kind) for name, kind in _PLAIN.items()}
        lists: JsonObject = {
            name: tuple(str(one) for one in reader.take(name, "a list"))
            for name in ("classes", "fonts")
        }
        if plain["part"] not in PARTS:
            raise UsageError(f"part is {plain['part']!r}, expected {' or '.join(PARTS)}")
        style = Style.from_dict(reader.take("style", "an object"))
        return cls(**plain, **lists, style=style)


@dataclass(frozen=True)
class TaskImages:
    """The images of a task.

    Args:
        train: ``(n, SIDE, SIDE, 3)``.
        train_labels: ``(n,)``.
        test: ``(m, SIDE, SIDE, 3)``.
        test_labels: ``(m,)``.
    """

    train: Pixels
    train_labels: NDArray[np.int64]
    test: Pixels
    test_labels: NDArray[np.int64]

    def digest(self) -> str:
        """SHA-256 of all of it."""
        sha = hashlib.sha256()
        for array in (self.train, self.train_labels, self.test, self.test_labels):
            sha.update(f"{array.shape} {array.dtype}".encode())
            sha.update(np.ascontiguousarray(array).tobytes())
        return sha.hexdigest()
