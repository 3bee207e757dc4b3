"""What was measured of candidates, and what to make of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from profiler.measuring.records import Measurement
from profiler.measuring.speed import speed_beside
from search.answers.candidates import Candidates, key
from search.answers.speed import StatedSpeed
from search.generators.answers import Answer


@dataclass
class Verification:
    """What was measured so far of the candidates for several budgets.

    Args:
        stated: the speed at which measured latencies are read.
        top: how many architectures each budget is answered with.
        measurements: by the genes as bytes, in the order in which they were made.
        confirmations: of what was accepted, measured once more.
        ended: what ended it early.
    """

    stated: StatedSpeed
    top: int = 1
    measurements: dict[bytes, Measurement] = field(default_factory=dict)
    confirmations: dict[bytes, Measurement] = field(default_factory=dict)
    ended: BaseException | None = None

    def measured_ms(self, answer: Answer) -> float | None:
        """Latency at the speed stated, None if it was not measured."""
        measurement = self.measurements.get(key(answer))
        return None if measurement is None else self.stated.latency_ms(measurement)

    def confirmed_ms(self, answer: Answer) -> float | None:
        """The same of the second measurement, which nothing was selected by."""
        measurement = self.confirmations.get(key(answer))
        return None if measurement is None else self.stated.latency_ms(measurement)

    def clocked_ms(self, answer: Answer) -> float | None:
        """What the clock had, at whatever speed; None if it was not measured."""
        measurement = self.measurements.get(key(answer))
        return None if measurement is None else measurement.by_clock[self.stated.clock]

    def misses(self, answer: Answer, budget_ms: float) -> bool:
        """Whether it was measured and takes longer than the budget."""
        measured_ms = self.measured_ms(answer)
        return measured_ms is not None and measured_ms > budget_ms

    def missing(self, candidates: Candidates) -> list[Answer]:
        """Candidates that were measured and miss their budget."""
        budget_ms = candidates.budget_ms
        return [answer for answer in candidates.answers if self.misses(answer, budget_ms)]

    def tried(self, candidates: Candidates) -> int:
        """How many candidates were measured."""
        return sum(key(answer) in self.measurements for answer in candidates.answers)

    def ratios(self, candidates: Iterable[Candidates]) -> list[float]:
        """Measured over predicted latency of all that were measured, each once."""
        pairs = {
            key(answer): (self.measured_ms(answer), answer.latency_ms)
            for one_budget in candidates
            for answer in one_budget.answers
        }
        return [
            measured_ms / predicted_ms
            for measured_ms, predicted_ms in pairs.values()
            if measured_ms is not None
        ]

    def drift(self) -> float | None:
        """The device's speed while answers were measured, over the one stated; None if unknown."""
        if self.stated.sentinel is None:
            return None
        clock, sentinel = self.stated.clock, self.stated.sentinel
        speeds = [speed_beside([one], sentinel) for one in self.measurements.values()]
        on_clock = [by_clock.get(clock) for by_clock in speeds if by_clock is not None]
        factors = [speed.factor / self.stated.factor for speed in on_clock if speed is not None]
        return float(np.median(factors)) if factors else None

    def expected(self, candidates: Candidates, excess: float) -> list[Answer]:
        """The most accurate ones that meet the budget, or may be expected to.

        Args:
            excess: how many times longer than predicted they are expected to take.
        """
        expected = []
        for answer in candidates.answers:
            measured_ms = self.measured_ms(answer)
            likely_ms = answer.latency_ms * excess if measured_ms is None else measured_ms
            expected += [answer] * (likely_ms <= candidates.budget_ms)
        return expected[: self.top]

    def excess(self, candidates: Candidates, pooled: float) -> float:
        """How many times its prediction a candidate for this budget is to be expected to take.

        Args:
            pooled: the median over all budgets of the call; 1 where nothing was measured.
        """
        misses = self.missing(candidates)
        ratios = [(self.measured_ms(answer) or 0.0) / answer.latency_ms for answer in misses]
        return max([pooled, *ratios])

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
            chosen = [answer for answer in chosen if self.measured_ms(answer) is not None]
        misses = self.missing(candidates)
        nearest = sorted(misses, key=lambda answer: self.measured_ms(answer) or 0.0)
        return chosen or nearest[:1]
