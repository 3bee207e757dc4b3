"""What is known of a supernet's weights: classes, normalisation, recipe, data, history."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from nasprof.errors import UsageError
from nasprof.normalisation import Normalisation
from nasprof.reader import Reader
from nasprof.typing import JsonObject
from spaces import Space, get_space
from supernets.data.data_set import DataSet
from supernets.data.options import DataOptions

_SCHEMA = 1


@dataclass(frozen=True)
class SupernetCard:
    """What is known of a supernet's weights.

    Args:
        space: whose networks they are of.
        classes: names, in the order of the outputs.
        normalisation: of the images it was trained on.
        recipe: how it was trained; empty where that is not known.
        data: what :meth:`DataSet.facts` told of the images; likewise.
        history: what was seen on the way, oldest first.
    """

    space: Space
    classes: tuple[str, ...]
    normalisation: Normalisation
    recipe: JsonObject = field(default_factory=dict)
    data: JsonObject = field(default_factory=dict)
    history: tuple[JsonObject, ...] = ()

    @property
    def data_options(self) -> DataOptions:
        """How the images were read and split.

        Raises:
            UsageError: the card is damaged.
        """
        return DataOptions.of(self.data.get("options", {}))

    def to_dict(self) -> JsonObject:
        """As JSON."""
        return {
            "schema": _SCHEMA,
            "space": self.space.settings,
            "classes": list(self.classes),
            "normalisation": self.normalisation.to_dict(),
            "recipe": self.recipe,
            "data": self.data,
            "history": list(self.history),
        }

    @classmethod
    def from_dict(cls, data: object, where: str) -> Self:
        """From what :meth:`to_dict` gave.

        Raises:
            UsageError: naming the field that is wrong.
        """
        reader = Reader(data, where)
        if (schema := reader.take("schema", "a whole number")) != _SCHEMA:
            raise UsageError(f"{where}: schema is {schema}, expected {_SCHEMA}")
        settings = dict(reader.take("space", "an object"))
        name = Reader(settings, f"{where}: space").take("space", "a string")
        del settings["space"]
        return cls(
            space=get_space(name, **settings),
            classes=tuple(reader.take("classes", "a list of strings")),
            normalisation=Normalisation.from_dict(
                reader.take("normalisation", "an object"), f"{where}: normalisation"
            ),
            recipe=reader.take("recipe", "an object"),
            data=reader.take("data", "an object"),
            history=tuple(reader.take("history", "a list of objects")),
        )

    def in_space(self, space: Space) -> Self:
        """The same weights at the resolution of ``space``, or at its resolutions.

        Raises:
            UsageError: it differs in more than resolution.
        """
        own, other = (one.without_resolution for one in (self.space, space))
        if own != other:
            differing = sorted(
                key for key in own.keys() | other.keys() if own.get(key) != other.get(key)
            )
            key = differing[0]
            raise UsageError(
                f"the supernet is of {self.space.label}, asked for was {space.label}: "
                f"{key} is {own.get(key, 'the default')}, not {other.get(key, 'the default')}",
                "Give a supernet of this space, or an architecture of the supernet's.",
            )
        return replace(self, space=space)

    def require_data(self, data: DataSet) -> None:
        """Refuse images that the supernet was not made for.

        Raises:
            UsageError: their classes are others.
        """
        if len(data.classes) != len(self.classes):
            raise UsageError(
                f"{data.name} has {len(data.classes)} classes, the supernet {len(self.classes)}",
                "Give the images it was trained on, or others of the same classes.",
            )
        unknown = [name for name in data.classes if name not in self.classes]
        if self.data and unknown:
            raise UsageError(
                f"{data.name} has a class {unknown[0]!r} that the supernet does not know",
                f"Its classes: {', '.join(self.classes[:10])}.",
            )

    def outputs_of(self, data: DataSet) -> NDArray[np.int64]:
        """The number of the output that each class of ``data`` has: ``(classes,)``.

        Classes are known by their names; where the names of the outputs are not known, by order.
        """
        if not self.data:
            return np.arange(len(data.classes))
        return np.array([self.classes.index(name) for name in data.classes], np.int64)
