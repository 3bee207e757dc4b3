"""Answers measured on the device: who misses the budget makes way for the next.

After a miss the next candidate is the most accurate one that should hold if all candidates of
that budget were off by as much as the worst one measured. Where no candidate is left, new ones
are asked for within a budget smaller by that much.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from devices import DeviceError
from profiler.measure import Interrupted
from profiler.records import Measurement
from profiler.schedule import INCOMPLETE
from spaces import Genes

if TYPE_CHECKING:
    from search.pnag.answers import Answer

ATTEMPTS = 4
"""Rounds of measurements in all."""

Take: TypeAlias = Callable[[Genes], list[Measurement]]
"""Measures architectures ``(n, n_genes)`` together."""
Again: TypeAlias = Callable[[float], "list[Answer]"]
"""Candidates within a budget in ms, most accurate first."""


@dataclass
class Candidates:
    """The architectures that might answer one budget, most accurate first."""

    budget_ms: float
    answers: list[Answer]

    def add(self, answers: Iterable[Answer]) -> None:
        """Take in those that are new."""
        known = {key(answer) for answer in self.answers}
        self.answers += [answer for answer in answers if key(answer) not in known]
        self.answers.sort(key=lambda answer: -answer.top1)


@dataclass
class Verification:
    """What was measured so far of the candidates for several budgets.

    Args:
        clock: the clock that budgets are of.
        top: how many architectures each budget is answered with.
        ended: what ended it early.
    """

    clock: str
    top: int = 1
    measurements: dict[bytes, Measurement] = field(default_factory=dict)
    ended: BaseException | None = None

    def measured_ms(self, answer: Answer) -> float | None:
        """Trimmed mean on the clock, None if it was not measured."""
        taken = self.measurements.get(key(answer))
        return None if taken is None else taken.by_clock[self.clock]

    def misses(self, answer: Answer, budget_ms: float) -> bool:
        """Whether it was measured and takes longer than the budget."""
        measured_ms = self.measured_ms(answer)
        return measured_ms is not None and measured_ms > budget_ms

    def missing(self, candidates: Candidates) -> list[Answer]:
        """Candidates that were measured and miss their budget."""
        return [each for each in candidates.answers if self.misses(each, candidates.budget_ms)]

    def excess(self, candidates: Candidates) -> float:
        """How often its prediction the worst candidate that missed takes; 1 if none did."""
        misses = self.missing(candidates)
        return max([1.0, *((self.measured_ms(each) or 0.0) / each.latency_ms for each in misses)])

    def ratio(self, candidates: Iterable[Candidates]) -> float | None:
        """Median of measured over predicted latency of all that were measured."""
        pairs = [
            (self.measured_ms(answer), answer.latency_ms)
            for each in candidates
            for answer in each.answers
        ]
        ratios = [measured / predicted for measured, predicted in pairs if measured is not None]
        return float(np.median(ratios)) if ratios else None

    def expected(self, candidates: Candidates) -> list[Answer]:
        """The most accurate ones that meet the budget, or may be expected to."""
        budget_ms, excess = candidates.budget_ms, self.excess(candidates)
        untried_ms = np.inf if excess == 1.0 else budget_ms / excess
        found = []
        for answer in candidates.answers:
            measured_ms = self.measured_ms(answer)
            if measured_ms is None:
                fits = answer.latency_ms <= untried_ms
            else:
                fits = measured_ms <= budget_ms
            found += [answer] * fits
        return found[: self.top]

    def chosen(self, candidates: Candidates) -> list[Answer]:
        """Those expected to meet the budget; for want of any, the fastest if not yet measured."""
        fastest = min(candidates.answers, key=lambda answer: answer.latency_ms)
        hope = [fastest] if self.measured_ms(fastest) is None else []
        return self.expected(candidates) or hope

    def final(self, candidates: Candidates) -> list[Answer]:
        """What to answer: measured ones that meet the budget, else the nearest that was measured.

        Where measuring ended early or never began, what may be expected to meet it.
        """
        chosen = self.chosen(candidates)
        if self.measurements and self.ended is None:
            chosen = [each for each in chosen if self.measured_ms(each) is not None]
        nearest = sorted(self.missing(candidates), key=lambda each: self.measured_ms(each) or 0.0)
        return chosen or nearest[:1]


def verify(
    candidates: Sequence[Candidates],
    clock: str,
    take: Take,
    again: Again,
    *,
    top: int = 1,
    attempts: int = ATTEMPTS,
) -> Verification:
    """Measure the best candidates of all budgets together, and the next ones where some miss.

    A device that fails and Ctrl-C end it early; what was measured until then is kept.
    """
    found = Verification(clock, top)
    for _ in range(attempts):
        for each in candidates:
            if found.missing(each) and len(found.expected(each)) < top:
                each.add(again(each.budget_ms / found.excess(each)))
        wanted = {key(answer): answer for each in candidates for answer in found.chosen(each)}
        untried = [answer for name, answer in wanted.items() if name not in found.measurements]
        if not untried or not _measure(found, untried, take):
            break
    return found


def _measure(found: Verification, answers: Sequence[Answer], take: Take) -> bool:
    """Measure answers together; whether that went well."""
    results: Sequence[Measurement] = []
    names = {f"answer{number}": answer for number, answer in enumerate(answers)}
    try:
        results = take(np.stack([answer.genes for answer in answers]))
    except Interrupted as error:
        results = [each for each in error.measurements if INCOMPLETE not in each.flags]
        found.ended = error
    except (DeviceError, KeyboardInterrupt) as error:
        found.ended = error
    found.measurements |= {key(names[result.name]): result for result in results}
    return found.ended is None


def key(answer: Answer) -> bytes:
    """What tells an architecture from others of its space."""
    return answer.genes.astype(np.int8).tobytes()
