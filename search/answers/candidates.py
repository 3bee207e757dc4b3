"""Architectures that might answer a budget."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from search.generators.answers import Answer

Propose: TypeAlias = Callable[[Sequence[float]], list[list[Answer]]]
"""Architectures within each of several budgets in ms, most accurate first."""


@dataclass
class Candidates:
    """The architectures that might answer one budget, most accurate first.

    Args:
        first: the first choice, whatever becomes of it.
    """

    budget_ms: float
    answers: list[Answer]
    first: Answer = field(init=False)

    def __post_init__(self) -> None:
        self.first = self.answers[0]

    def add(self, answers: Iterable[Answer]) -> None:
        """Take in those that are new."""
        known = {key(answer) for answer in self.answers}
        self.answers += [answer for answer in answers if key(answer) not in known]
        self.answers.sort(key=lambda answer: -answer.top1)


def candidates_for(budgets_ms: Sequence[float], propose: Propose) -> list[Candidates]:
    """Candidates for each budget."""
    proposed = zip(budgets_ms, propose(budgets_ms), strict=True)
    return [Candidates(budget_ms, answers) for budget_ms, answers in proposed]


def spread_budgets(minimum_ms: float, maximum_ms: float, points: int) -> list[float]:
    """Budgets in ms evenly spread over a range, both ends among them."""
    step = (maximum_ms - minimum_ms) / max(1, points - 1)
    return [minimum_ms + step * number for number in range(points)]


def key(answer: Answer) -> bytes:
    """What tells an architecture from others of its space."""
    return answer.genes.astype(np.int8).tobytes()
