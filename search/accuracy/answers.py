"""What top-1 a network has at least that a search has chosen, from answers that were measured.

A search takes networks whose accuracy is predicted too high, as it takes those whose latency is
predicted too low; so their bound comes from answers as well, by the same rule on error rates
(``luts.answers``).
"""

from __future__ import annotations

from dataclasses import dataclass

from luts import NO_BOUND, Bound
from luts.answers import FEWEST, answer_bound
from nasprof.errors import UsageError
from nasprof.typing import Array
from search.accuracy.base import AccuracyModel
from search.accuracy.measurements import MeasuredAccuracy


@dataclass(frozen=True)
class LowerBound:
    """With some confidence a chosen network has at least so much top-1.

    Args:
        errors: bound on the error rate, 100 - top-1, in points.
    """

    errors: Bound

    @classmethod
    def of(cls, model: AccuracyModel, answers: MeasuredAccuracy, confidence: float) -> LowerBound:
        """From networks that a search chose, and that were measured afterwards.

        Args:
            model: that the search was on.
            answers: the networks as measured.
            confidence: of the bound.

        Raises:
            SpaceMismatch: they are of another space than the model.
            UsageError: there are too few of them.
        """
        if len(answers) < FEWEST:
            raise UsageError(
                f"{len(answers)} measured answers are too few for a bound, expected at least "
                f"{FEWEST}"
            )
        predicted = 100 - model.top1(answers.genes, answers.space)
        return cls(answer_bound(predicted, 100 - answers.top1, confidence, NO_BOUND))

    def top1(self, predicted: Array) -> Array:
        """What networks have at least that are predicted to have so much, in percent: ``(n,)``."""
        lower: Array = 100 - self.errors.upper(100 - predicted)
        return lower
