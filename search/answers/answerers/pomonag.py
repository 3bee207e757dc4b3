"""POMONAG: a generator by diffusion, trained once for many objectives."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from search.answers.answerers.base import Answerer
from search.generators.answers import Sampler
from search.generators.trained import TrainedGenerator
from search.objectives.trade_off import TradeOff
from search.pomonag.stored import shelf

if TYPE_CHECKING:
    from search.answers.request import AnswerOptions, AnswerProgress


class PomonagAnswerer(Answerer):
    """The generator named, else the one kept for the models, else one that is trained now.

    Lomurno et al. 2024; :mod:`search.pomonag`.
    """

    trains: ClassVar[bool] = True

    def sampler(
        self,
        trade_off: TradeOff,
        options: AnswerOptions,
        rng: np.random.Generator,
        progress: AnswerProgress,
    ) -> Sampler:
        return shelf.ready(trade_off, options.generator, progress.training)

    def takes(self, generator: TrainedGenerator | Path | str) -> bool:
        return shelf.has_made(generator)

    def kept(self, trade_off: TradeOff) -> bool:
        return shelf.kept(trade_off) is not None
