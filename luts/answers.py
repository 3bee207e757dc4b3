"""Upper bounds for networks that a search has chosen.

A bound that is right for random networks is not right for chosen ones: of thousands, a search
takes those whose latency is underestimated. So the bound for answers comes from answers that were
measured: the ratios of measured to predicted latency of first choices, in the order in which they
were given.

Of n ratios the bound is the ``ceil((n + 1)(1 - a))``-th smallest (split conformal prediction). The
share of misses aimed at, ``a``, is corrected after each answer, by ``STEP`` times how much more or
less it missed than promised: adaptive conformal inference (Gibbs and Candes, NeurIPS 2021, Eq. 2),
which keeps the long-run share of misses where it should be also when later answers are unlike
earlier ones. Where there are too few ratios for that rank, the bound is the upper limit of
Student's t prediction interval of their logarithms.
"""

from __future__ import annotations

from math import ceil

import numpy as np

from luts.agreement import Array, Bound, student_limit

STEP = 0.03
"""What a miss or a hit changes the level by. 0.005 as in the paper would take hundreds of answers
to notice a change; between 0.01 and 0.03 nothing else differed (``benchmarks/hold.py``)."""
WINDOW = 200
"""The latest answers, which the bound is made of."""
FEWEST = 2
"""Answers that a bound needs."""

_LEVELS = (0.001, 0.5)


def answer_bound(ratios: Array, confidence: float, floor: Bound) -> Bound:
    """The bound on measured over predicted latency that the next answer gets.

    Args:
        ratios: measured over predicted of first choices ``(n,)``, the oldest first.
        confidence: with which an answer is to keep it.
        floor: the bound for random networks, which is never gone below.

    Returns:
        The larger of ``floor`` and the one of answers; ``floor`` where there are too few.
    """
    return _larger(ratios, adapted_level(ratios, confidence, floor.factor), floor)


def adapted_level(ratios: Array, confidence: float, floor: float = 1.0) -> float:
    """Share of misses to aim at after answers with these ratios ``(n,)``, the oldest first.

    It depends on the ratios alone, so that it need not be kept: each is held against the bound
    that the ones before it give.
    """
    miss = level = 1 - confidence
    for place in range(FEWEST, len(ratios)):
        factor = max(floor, _conformal(ratios[:place], level).factor)
        level += STEP * (miss - float(ratios[place] > factor))
    return level


def _larger(ratios: Array, level: float, floor: Bound) -> Bound:
    if len(ratios) < FEWEST:
        return floor
    bound = _conformal(ratios, level)
    return bound if bound.factor > floor.factor else floor


def _conformal(ratios: Array, level: float) -> Bound:
    """The bound that a share of ``level`` exceeds, by the latest ratios."""
    recent = ratios[-WINDOW:]
    n, level = len(recent), float(np.clip(level, *_LEVELS))
    # (n + 1) * 0.95 is 19.000000000000004 for some n, and means 19.
    rank = ceil((n + 1) * (1 - level) - 1e-9)
    if rank <= n:
        return Bound(max(1.0, float(np.partition(recent, rank - 1)[rank - 1])), "answers")
    return Bound(max(1.0, student_limit(recent, 1 - level)), "answers-student")
