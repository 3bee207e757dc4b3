"""What a way of answering budgets has to offer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from search.generators.answers import Sampler
from search.generators.trained import TrainedGenerator
from search.objectives.trade_off import TradeOff

if TYPE_CHECKING:
    from search.answers.request import AnswerOptions, AnswerProgress


class Answerer(ABC):
    """A way of answering budgets: what draws the architectures that are answered with.

    Evaluating, bounds, polish, verifying and files are the same for all of them.

    Attributes:
        trains: whether it is a generator, trained once for the models and then kept.
    """

    trains: ClassVar[bool] = False

    @abstractmethod
    def sampler(
        self,
        trade_off: TradeOff,
        options: AnswerOptions,
        rng: np.random.Generator,
        progress: AnswerProgress,
    ) -> Sampler:
        """What draws architectures for any budget; whatever that needs is made first.

        Args:
            trade_off: the models.
            options: how budgets are answered.
            rng: the only source of randomness, which answers go on with.
            progress: told how far a training has come.

        Raises:
            UsageError: it cannot answer for these models.
            NasprofError: it has to be trained, and torch is not installed.
        """

    def takes(self, generator: TrainedGenerator | Path | str) -> bool:
        """Whether a generator, or the file of one, is of its kind."""
        return False

    def kept(self, trade_off: TradeOff) -> bool:
        """Whether one that is trained for these models is kept."""
        return False
