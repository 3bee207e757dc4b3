"""What every trained generator is: of a space, trained for a trade-off, in a file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar, Self

from nasprof.typing import JsonObject
from search.generators.fingerprint import fingerprint
from search.objectives.trade_off import TradeOff
from spaces import Space
from spaces.predictor import SpaceMismatch


class TrainedGenerator(ABC):
    """A generator, and what it was trained for.

    Attributes:
        command: that trains one.
        provenance: of the training, at least what :func:`training_facts` are.
        path: of its file, None if it has none.
    """

    command: ClassVar[str]
    provenance: JsonObject
    path: Path | None

    @property
    @abstractmethod
    def space(self) -> Space:
        """Where its architectures are from."""

    def to_dict(self) -> JsonObject:
        """Its file and its provenance, as JSON."""
        return {"path": None if self.path is None else str(self.path), **self.provenance}

    def of(self, space: Space) -> Self:
        """The same if its architectures are of that space.

        Raises:
            SpaceMismatch: they are of another one.
        """
        if self.space != space:
            raise SpaceMismatch(
                f"the generator is of {self.space.label}, not of {space.label}",
                f"Train one: {self.command} --help",
            )
        return self

    def trained_for(self, trade_off: TradeOff) -> bool:
        """Whether these are the models it was trained with, but for their calibration."""
        return self.provenance.get("fingerprint") == fingerprint(trade_off)


def training_facts(trade_off: TradeOff, settings: JsonObject, seed: int) -> JsonObject:
    """What tells a training from others: the models, the settings and the seed."""
    return {
        "accuracy": trade_off.accuracy.name,
        "cost": trade_off.cost.name,
        "fingerprint": fingerprint(trade_off),
        "settings": settings,
        "seed": seed,
    }
