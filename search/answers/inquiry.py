"""Asking a trained generator about budgets at a site."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from luts import TABLE_SPEED, Speed
from search.answers.replies import Range
from search.answers.verify import Candidates
from search.pnag.answers import Answer, AnswerSettings, answer

if TYPE_CHECKING:
    from search.accuracy.answers import LowerBound
    from search.answers.deployment import Deployment
    from search.pnag.generator import Generator

KEPT = 32
"""Candidates for each budget."""


@dataclass(frozen=True)
class Inquiry:
    """A generator, the site it is asked about, and how it answers.

    Args:
        rng: the only source of randomness.
        confidence: with which an answer keeps within its budget; None takes predictions as they
            are.
        samples: architectures drawn for each budget.
        polish: whether answers are improved by exchanges of genes.
        speed: of the device, which budgets and answers are of; the table's unless given.
        least: what top-1 answers have at least, where accuracies of answers were measured.
    """

    site: Deployment
    generator: Generator
    rng: np.random.Generator
    confidence: float | None = 0.95
    samples: int = 256
    polish: bool = True
    speed: Speed = TABLE_SPEED
    least: LowerBound | None = None

    @property
    def span(self) -> Range:
        """The range of budgets that make a difference."""
        return Range(*self.site.trade_off.budget_range(self.confidence, self.speed))

    def answers(self, budgets_ms: Sequence[float]) -> list[list[Answer]]:
        """Up to :data:`KEPT` architectures within each budget, most accurate first."""
        return answer(
            self.generator,
            self.site.trade_off,
            budgets_ms,
            self.rng,
            AnswerSettings(self.confidence, self.samples, self.polish, KEPT),
            self.speed,
        )

    def lower_top1(self, answer: Answer) -> float | None:
        """What an answer has at least, with the confidence asked for; None where not known."""
        return None if self.least is None else float(self.least.top1(np.array(answer.top1)))

    def candidates(self, budgets_ms: Sequence[float]) -> list[Candidates]:
        """The same, to be verified."""
        found = zip(budgets_ms, self.answers(budgets_ms), strict=True)
        return [Candidates(budget_ms, answers) for budget_ms, answers in found]

    def again(self, budget_ms: float) -> list[Answer]:
        """Architectures within one budget."""
        return self.answers([budget_ms])[0]

    def front(self, points: int) -> list[tuple[float, Answer]]:
        """Budgets evenly spread over the range, each with its best answer."""
        budgets_ms = self.span.spread(points)
        found = zip(budgets_ms, self.answers(budgets_ms), strict=True)
        return [(budget_ms, answers[0]) for budget_ms, answers in found]
