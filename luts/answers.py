"""Upper bounds for networks that a search has chosen.

A bound that is right for random networks is not right for chosen ones: of thousands, a search
takes those whose latency is underestimated, and those are of another make than random ones. So the
bound for answers comes from answers that were measured, the first choices in the order in which
they were given. A line through the logarithms of their predicted and measured latencies tells how
far such networks are off on average, small and large ones: that is by a ratio, which grows or
shrinks with a power of the latency. What they scatter about it makes the bound. The line is of the
bound alone: predictions stay what random networks have made them.

Of n deviations from the line, each taken to a line that is fitted on the others (the jackknife:
Barber et al. 2021), the bound is the ``ceil((n + 1)(1 - a))``-th smallest, as in split conformal
prediction. The share of misses aimed at, ``a``, is corrected after each answer, by ``STEP`` times
how much more or less it missed than promised: adaptive conformal inference (Gibbs and Candes,
NeurIPS 2021, Eq. 2), which keeps the long-run share of misses where it should be also when later
answers are unlike earlier ones. Where there are too few answers for that rank, it is the upper
limit of Student's t prediction interval.
"""

from __future__ import annotations

from math import ceil, exp

import numpy as np

from luts.agreement import Bound, Method
from nasprof.typing import Array

STEP = 0.03
"""What a miss or a hit changes the level by. 0.005 as in the paper would take hundreds of answers
to notice a change; between 0.01 and 0.03 nothing else differed (``benchmarks/hold.py``)."""
WINDOW = 200
"""The latest answers, which the bound is made of."""
FEWEST = 3
"""Answers that a bound needs."""
ENOUGH_FOR_A_TREND = 6
STEEPEST = 0.5
"""Answers whose ratio changes faster than by this power have little in common with predictions."""
MOST_LEVERAGE = 0.9
"""Where one answer determines the trend nearly alone, there is none."""

_LEVELS = (0.001, 0.5)
_NEGLIGIBLE = 1e-12


def answer_bound(predicted_ms: Array, measured_ms: Array, confidence: float, floor: Bound) -> Bound:
    """The bound on measured latency that the next answer gets.

    Args:
        predicted_ms: of first choices ``(n,)``, the oldest first.
        measured_ms: what they took, ``(n,)``.
        confidence: with which an answer is to keep it.
        floor: the bound for random networks, which is never gone below.

    Returns:
        ``floor`` where there are too few answers.
    """
    if len(predicted_ms) < FEWEST:
        return floor
    level = adapted_level(predicted_ms, measured_ms, confidence, floor)
    return _bound(predicted_ms, measured_ms, level, floor)


def adapted_level(
    predicted_ms: Array, measured_ms: Array, confidence: float, floor: Bound
) -> float:
    """Share of misses to aim at after answers ``(n,)``, the oldest first.

    It depends on the answers alone, so that it need not be kept: each is held against the bound
    that the ones before it give.
    """
    miss = level = 1 - confidence
    for place in range(FEWEST, len(predicted_ms)):
        bound = _bound(predicted_ms[:place], measured_ms[:place], level, floor)
        missed = measured_ms[place] > bound.upper(predicted_ms[place])
        level += STEP * (miss - float(missed))
    return level


def _bound(predicted_ms: Array, measured_ms: Array, level: float, floor: Bound) -> Bound:
    """The bound that a share of ``level`` exceeds, by the latest answers."""
    predicted_ms, measured_ms = predicted_ms[-WINDOW:], measured_ms[-WINDOW:]
    n, level = len(predicted_ms), float(np.clip(level, *_LEVELS))
    logs = np.log(predicted_ms)
    mean, slope, off, freedom = _trend(logs, np.log(measured_ms) - logs)
    # (n + 1) * 0.95 is 19.000000000000004 for some n, and means 19.
    rank = ceil((n + 1) * (1 - level) - 1e-9)
    method: Method = "answers"
    if rank <= n:
        reach = float(np.partition(off, rank - 1)[rank - 1])
    else:
        from scipy.special import stdtrit

        reach, method = float(stdtrit(freedom, 1 - level) * off.std()), "answers-student"
    typical, at = exp(mean), exp(float(logs.mean()))
    return Bound(typical * exp(reach), method, typical, 1 + slope, at, floor.factor)


def _trend(logs: Array, off: Array) -> tuple[float, float, Array, int]:
    """The line of least squares through the logarithms of ratios, by those of predictions.

    Returns:
        The mean, the slope, the deviation of each ``(n,)`` from the line through the others, and
        the degrees of freedom. Of few answers only the mean is taken.
    """
    n, mean = len(off), float(off.mean())
    centred = logs - logs.mean()
    spread = float((centred**2).sum())
    if n >= ENOUGH_FOR_A_TREND and spread > _NEGLIGIBLE:
        slope = float((centred * off).sum()) / spread
        leverage = 1 / n + centred**2 / spread
        if abs(slope) <= STEEPEST and leverage.max() <= MOST_LEVERAGE:
            return mean, slope, (off - mean - slope * centred) / (1 - leverage), n - 2
    return mean, 0.0, (off - mean) / (1 - 1 / n), n - 1
