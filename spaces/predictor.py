"""What predicts something of architectures without running or training them."""

from __future__ import annotations

from abc import ABC
from typing import ClassVar

from nasprof.errors import UsageError
from nasprof.typing import JsonObject
from spaces.base import Space


class SpaceMismatch(UsageError):
    """A predictor is of another space, width or resolution than the architectures."""


class Predictor(ABC):
    """Knows the architectures of one space or of several: a cost model or an accuracy model.

    Its methods take genes ``(n, n_genes)`` and the space that these belong to, which may be left
    out where the predictor has only one.
    """

    kind: ClassVar[str]
    """Its name among others of its sort; the field ``kind`` of its files."""
    alternative: ClassVar[str]
    """What to do for an architecture of another space, as a sentence."""
    name: str
    spaces: tuple[Space, ...]
    provenance: JsonObject
    """What it was made from."""

    @property
    def doubts(self) -> list[str]:
        """Why its predictions should be taken with care, a sentence each; usually empty."""
        return []

    def space_of(self, space: Space | None = None) -> Space:
        """``space`` if the predictor is of it; its only space if none is given.

        Raises:
            SpaceMismatch: it is not, or none is given and there are several.
        """
        known = ", ".join(known.label for known in self.spaces)
        if space is None:
            if len(self.spaces) == 1:
                return self.spaces[0]
            raise SpaceMismatch(f"{self.name!r} is of several spaces ({known}): say which one")
        if space not in self.spaces:
            raise SpaceMismatch(
                f"{self.name!r} is of {known}, not of {space.label}", self.alternative
            )
        return space

    def knows(self, space: Space) -> bool:
        """Whether :meth:`space_of` takes the space."""
        try:
            self.space_of(space)
        except SpaceMismatch:
            return False
        return True
