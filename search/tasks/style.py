"""What tasks differ in beside their classes: how their images are drawn."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from nasprof.reader import Reader
from nasprof.typing import JsonObject

_CHOICES: dict[str, tuple[float, ...]] = {
    "rotation": (15.0, 45.0, 180.0),
    "noise": (0.1, 0.2, 0.3),
    "texture": (0.3, 0.6, 0.9),
    "resolution": (5, 7, 9),
    "shift": (0.1, 0.2),
    "scaling": (0.25, 0.5),
}
_MOST = 2
"""Nuisances of a task: with all of them nothing can be learned in a short training."""


@dataclass(frozen=True)
class Style:
    """How a task's images are drawn.

    Args:
        rotation: each is turned by up to so many degrees, either way.
        noise: standard deviation of each pixel's noise, of the range of 1.
        texture: how strong the pattern behind it is, of the range of 1.
        resolution: pixels a side that it is reduced to before it is scaled up to the task's size;
            0 for none.
        shift: by how much of its side it may be moved.
        scaling: by how much of its size it may be smaller.
        inverted: whether half of the images are bright on dark.
        coloured: whether figure and ground have colours of chance.
    """

    rotation: float = 0.0
    noise: float = 0.0
    texture: float = 0.0
    resolution: int = 0
    shift: float = 0.05
    scaling: float = 0.1
    inverted: bool = False
    coloured: bool = False

    def to_dict(self) -> JsonObject:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, value: JsonObject) -> Self:
        """From JSON.

        Raises:
            UsageError: a field is missing or of another type.
        """
        reader = Reader(value, "style")
        numbers = {name: float(reader.take(name, "a number")) for name in _CHOICES}
        fields: dict[str, Any] = {**numbers, "resolution": int(numbers["resolution"])}
        flags = {name: reader.take(name, "true or false") for name in ("inverted", "coloured")}
        return cls(**fields, **flags)


def draw_style(rng: np.random.Generator) -> Style:
    """A style of chance: up to two of its nuisances are more than a little."""
    names = rng.choice(list(_CHOICES), rng.integers(0, _MOST + 1), replace=False)
    fields: dict[str, Any] = {name: float(rng.choice(_CHOICES[name])) for name in names}
    if "resolution" in fields:
        fields["resolution"] = int(fields["resolution"])
    inverted, coloured = (bool(one) for one in rng.random(2) < 0.3)
    return Style(**fields, inverted=inverted, coloured=coloured)
