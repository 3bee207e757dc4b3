"""Generators that are trained once for the models, and then answer by inference."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np

from nasprof.typing import Progress
from search.answers.answerers.base import Answerer
from search.generators.answers import Sampler
from search.generators.trained import TrainedGenerator
from search.objectives.trade_off import TradeOff

if TYPE_CHECKING:
    from search.answers.request import AnswerOptions, AnswerProgress


class Shelved(Protocol):
    """What is asked of a :class:`search.generators.shelf.Shelf`, of whatever generators."""

    def ready(
        self,
        trade_off: TradeOff,
        named: TrainedGenerator | Path | str | None = None,
        progress: Progress | None = None,
    ) -> Sampler:
        """The generator that was named, else the one kept, trained if need be."""

    def has_made(self, named: TrainedGenerator | Path | str) -> bool:
        """Whether a generator, or the file of one, is of this sort."""

    def kept(self, trade_off: TradeOff) -> object | None:
        """The generator that is kept for these models, None if there is none."""


class TrainedAnswerer(Answerer):
    """The generator named, else the one kept for the models, else one that is trained now.

    Attributes:
        shelf: where such generators are kept.
    """

    trains: ClassVar[bool] = True
    shelf: ClassVar[Shelved]

    def sampler(
        self,
        trade_off: TradeOff,
        options: AnswerOptions,
        rng: np.random.Generator,
        progress: AnswerProgress,
    ) -> Sampler:
        return self.shelf.ready(trade_off, options.generator, progress.training)

    def takes(self, generator: TrainedGenerator | Path | str) -> bool:
        return self.shelf.has_made(generator)

    def kept(self, trade_off: TradeOff) -> bool:
        return self.shelf.kept(trade_off) is not None
