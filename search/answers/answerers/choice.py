"""Who answers: the way that was named, or the quickest that is as accurate."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from luts import TABLE_SPEED, Speed
from nasprof.log import logger
from search.answers.answerers import answerers
from search.answers.candidates import Propose
from search.generators.answers import Sampler, answer
from search.generators.trained import TrainedGenerator
from search.objectives.trade_off import TradeOff

if TYPE_CHECKING:
    from search.answers.request import AnswerOptions, AnswerProgress

QUICK = "local"
"""Answers at once."""
TRAINED = "pnag"
"""Answers more budgets for less, once it is trained."""
PAYS = 100
"""Budgets in one call from which on training is the cheaper way: some 50 CPU seconds once, where
a search takes 0.3 to 1.3 for each budget (``benchmarks/answerers.py``)."""


@dataclass(frozen=True)
class Ready:
    """Who answers, ready to be asked.

    Args:
        by: name of the answerer.
        sampler: what draws its architectures.
        rng: the only source of randomness.
    """

    by: str
    sampler: Sampler
    rng: np.random.Generator

    def proposing(
        self, trade_off: TradeOff, options: AnswerOptions, speed: Speed = TABLE_SPEED
    ) -> Propose:
        """A function that gives answers to budgets, all from one source of randomness."""
        settings = options.answer_settings
        return partial(
            answer, self.sampler, trade_off, rng=self.rng, settings=settings, speed=speed
        )


def ready_answerer(
    trade_off: TradeOff, options: AnswerOptions, n_budgets: int, progress: AnswerProgress
) -> Ready:
    """Who answers, with everything that this needs.

    Args:
        n_budgets: how many budgets are asked at once.
        progress: told how far a training has come.

    Raises:
        UsageError: it cannot answer for these models, or what is named as a generator is none.
        NasprofError: it has to be trained, and torch is not installed.
    """
    by = options.by or _chosen(trade_off, options.generator, n_budgets)
    rng = np.random.default_rng(options.seed)
    return Ready(by, answerers.get(by)().sampler(trade_off, options, rng, progress), rng)


def _chosen(
    trade_off: TradeOff, generator: TrainedGenerator | Path | str | None, n_budgets: int
) -> str:
    """Who answers where nobody is named; said where no generator is."""
    every = {name: answerers.get(name)() for name in answerers}
    if generator is not None:
        return next((name for name, each in every.items() if each.takes(generator)), TRAINED)
    kept = next((name for name, each in every.items() if each.kept(trade_off)), None)
    if kept is not None:
        logger.info(f"Answering by {kept}: its generator is kept for these models")
        return kept
    if n_budgets >= PAYS and find_spec("torch") is not None:
        logger.info(f"Answering by {TRAINED}: for {n_budgets} budgets a training pays")
        return TRAINED
    logger.info(f"Answering by {QUICK}, which needs no training (--by {TRAINED} trains)")
    return QUICK
