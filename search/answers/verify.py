"""Answers measured on the device: who misses the budget makes way for the next.

What is compared with a budget is the latency at the speed of the device that was stated when it
was answered: the multiple of the sentinel, which ran in turns with it, times what the sentinel
takes at that speed. The clock alone would tell of the device's moods as well.

After a miss the next candidate is the most accurate one that should hold if predictions were off
as they were found to be, over all budgets together. Where no candidate is left, new ones are asked
for within a budget smaller by that much. To accept what was measured to hold is a selection of
lucky measurements; so what is accepted is measured once more, and that number is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from devices import DeviceError
from luts import Sentinel
from profiler.measuring.measure import Interrupted
from profiler.measuring.records import Measurement
from profiler.measuring.schedule import INCOMPLETE
from profiler.measuring.speed import speed_beside
from spaces import Genes

if TYPE_CHECKING:
    from search.pnag.answers import Answer

ATTEMPTS = 4
"""Rounds of measurements in all, before what is accepted is measured once more."""
REPEATS = 2
"""How often what was measured with doubts is measured again."""

Take: TypeAlias = Callable[[Genes], list[Measurement]]
"""Measures architectures ``(n, n_genes)`` together."""
Again: TypeAlias = Callable[[float], "list[Answer]"]
"""Candidates within a budget in ms, most accurate first."""


@dataclass(frozen=True)
class Stated:
    """The speed of the device that was stated, at which latencies are read.

    Args:
        clock: the clock that budgets are of.
        sentinel: what the sentinel took when the table was measured; None reads what was clocked.
        factor: how many times longer the device is stated to take now.
    """

    clock: str
    sentinel: Sentinel | None = None
    factor: float = 1.0

    def latency_ms(self, taken: Measurement) -> float:
        """What a network takes at that speed."""
        if self.sentinel is None or not taken.ran_beside(self.sentinel):
            return taken.by_clock[self.clock]
        return taken.at_speed_of(self.sentinel)[self.clock] * self.factor


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


@dataclass
class Verification:
    """What was measured so far of the candidates for several budgets.

    Args:
        stated: the speed at which measured latencies are read.
        top: how many architectures each budget is answered with.
        measurements: by the genes as bytes, in the order in which they were taken.
        confirmations: of what was accepted, measured once more.
        ended: what ended it early.
    """

    stated: Stated
    top: int = 1
    measurements: dict[bytes, Measurement] = field(default_factory=dict)
    confirmations: dict[bytes, Measurement] = field(default_factory=dict)
    ended: BaseException | None = None

    def measured_ms(self, answer: Answer) -> float | None:
        """Latency at the speed stated, None if it was not measured."""
        taken = self.measurements.get(key(answer))
        return None if taken is None else self.stated.latency_ms(taken)

    def confirmed_ms(self, answer: Answer) -> float | None:
        """The same of the second measurement, which nothing was selected by."""
        taken = self.confirmations.get(key(answer))
        return None if taken is None else self.stated.latency_ms(taken)

    def clocked_ms(self, answer: Answer) -> float | None:
        """What the clock had, at whatever speed; None if it was not measured."""
        taken = self.measurements.get(key(answer))
        return None if taken is None else taken.by_clock[self.stated.clock]

    def misses(self, answer: Answer, budget_ms: float) -> bool:
        """Whether it was measured and takes longer than the budget."""
        measured_ms = self.measured_ms(answer)
        return measured_ms is not None and measured_ms > budget_ms

    def missing(self, candidates: Candidates) -> list[Answer]:
        """Candidates that were measured and miss their budget."""
        return [each for each in candidates.answers if self.misses(each, candidates.budget_ms)]

    def tried(self, candidates: Candidates) -> int:
        """How many candidates were measured."""
        return sum(key(each) in self.measurements for each in candidates.answers)

    def ratios(self, candidates: Iterable[Candidates]) -> list[float]:
        """Measured over predicted latency of all that were measured, each once."""
        pairs = {
            key(answer): (self.measured_ms(answer), answer.latency_ms)
            for each in candidates
            for answer in each.answers
        }
        return [measured / told for measured, told in pairs.values() if measured is not None]

    def drift(self) -> float | None:
        """The device's speed while answers were measured, over the one stated; None if unknown."""
        if self.stated.sentinel is None:
            return None
        told = [speed_beside([each], self.stated.sentinel) for each in self.measurements.values()]
        speeds = [each.get(self.stated.clock) for each in told if each is not None]
        factors = [speed.factor / self.stated.factor for speed in speeds if speed is not None]
        return float(np.median(factors)) if factors else None

    def expected(self, candidates: Candidates, excess: float) -> list[Answer]:
        """The most accurate ones that meet the budget, or may be expected to.

        Args:
            excess: how many times longer than predicted they are expected to take.
        """
        found = []
        for answer in candidates.answers:
            measured_ms = self.measured_ms(answer)
            likely_ms = answer.latency_ms * excess if measured_ms is None else measured_ms
            found += [answer] * (likely_ms <= candidates.budget_ms)
        return found[: self.top]

    def excess(self, candidates: Candidates, pooled: float) -> float:
        """How many times its prediction a candidate for this budget is to be expected to take.

        Args:
            pooled: the median over all budgets of the call; 1 where nothing was measured.
        """
        misses = self.missing(candidates)
        return max(
            [pooled, *((self.measured_ms(each) or 0.0) / each.latency_ms for each in misses)]
        )

    def chosen(self, candidates: Candidates, pooled: float) -> list[Answer]:
        """Those expected to meet the budget; for want of any, the fastest if not yet measured."""
        if not self.measurements:
            return candidates.answers[: self.top]
        fastest = min(candidates.answers, key=lambda answer: answer.latency_ms)
        hope = [fastest] if self.measured_ms(fastest) is None else []
        return self.expected(candidates, self.excess(candidates, pooled)) or hope

    def final(self, candidates: Candidates) -> list[Answer]:
        """What to answer: measured ones that meet the budget, else the nearest that was measured.

        Where measuring ended early or never began, what may be expected to meet it.
        """
        chosen = self.chosen(candidates, 1.0)
        if self.measurements and self.ended is None:
            chosen = [each for each in chosen if self.measured_ms(each) is not None]
        nearest = sorted(self.missing(candidates), key=lambda each: self.measured_ms(each) or 0.0)
        return chosen or nearest[:1]


def verify(
    candidates: Sequence[Candidates],
    stated: Stated,
    take: Take,
    again: Again,
    *,
    top: int = 1,
    attempts: int = ATTEMPTS,
    confirm: bool = True,
) -> Verification:
    """Measure the best candidates of all budgets together, and the next ones where some miss.

    What is accepted is then measured once more, unless not to ``confirm``. A device that fails and
    Ctrl-C end it early; what was measured until then is kept.
    """
    found = Verification(stated, top)
    for _ in range(attempts):
        pooled = float(np.median(found.ratios(candidates) or [1.0]))
        for each in candidates:
            excess = found.excess(each, pooled)
            if found.missing(each) and len(found.expected(each, excess)) < top:
                each.add(again(each.budget_ms / excess))
        wanted = [answer for each in candidates for answer in found.chosen(each, pooled)]
        untried = [answer for answer in wanted if key(answer) not in found.measurements]
        if not untried or not _measure(found, untried, take, found.measurements):
            break
    accepted = [answer for each in candidates for answer in found.final(each)]
    if confirm and found.ended is None and accepted:
        _measure(found, accepted, take, found.confirmations)
    return found


def _measure(
    found: Verification,
    answers: Sequence[Answer],
    take: Take,
    into: dict[bytes, Measurement],
) -> bool:
    """Measure answers together, those with doubts again; whether that went well."""
    pending = list({key(answer): answer for answer in answers}.values())
    for _ in range(1 + REPEATS):
        results: Sequence[Measurement] = []
        named = {f"answer{number}": answer for number, answer in enumerate(pending)}
        try:
            results = take(np.stack([answer.genes for answer in pending]))
        except Interrupted as error:
            results = [each for each in error.measurements if INCOMPLETE not in each.flags]
            found.ended = error
        except (DeviceError, KeyboardInterrupt) as error:
            found.ended = error
        into |= {key(named[result.name]): result for result in results}
        pending = [named[result.name] for result in results if result.flags]
        if found.ended is not None or not pending:
            break
    return found.ended is None


def key(answer: Answer) -> bytes:
    """What tells an architecture from others of its space."""
    return answer.genes.astype(np.int8).tobytes()
