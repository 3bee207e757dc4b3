"""Today's speed: what the sentinel takes now, beside what it took when a table was measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from luts import LookupTable, Sentinel, Speed
from profiler.records import Measurement, Round
from spaces import Genes, Space

TIMINGS = 3
"""Of a speed far from the table's, which may be over in seconds: the median is taken."""

Measure = Callable[[Genes], Sequence[Measurement]]
"""Measures architectures ``(n, n_genes)`` in turns with the sentinel, as the table was."""


def todays_speed(table: LookupTable, space: Space, measure: Measure) -> dict[str, Speed] | None:
    """How fast the device is now, by clock; None where the table keeps no such sentinel.

    The sentinel is timed as the table was measured: in turns with networks, so that it finds the
    caches as it found them then. A factor far from 1 is timed again.

    Raises:
        DeviceError, Interrupted: as :func:`profiler.measure.measure`.
    """
    if table.sentinel is None:
        return None
    companions = _companions(table, space)
    found: list[dict[str, Speed]] = []
    while len(found) < TIMINGS:
        speed = speed_beside(measure(companions), table.sentinel)
        if speed is None:
            return None
        found.append(speed)
        if len(found) == 1 and not speed[table.clock].is_far:
            return speed
    return sorted(found, key=lambda speed: speed[table.clock].factor)[len(found) // 2]


def _companions(table: LookupTable, space: Space) -> Genes:
    """Networks to take turns with: the fastest, and one about as slow as the sentinel."""
    candidates = space.sample(200, np.random.default_rng(0), "biased")
    assert table.sentinel is not None
    aim_ms = table.sentinel.latency_ms.get(table.clock, 0.0)
    near = np.abs(table.latency_ms(candidates, space) - aim_ms).argmin()
    return np.stack([table.extremes(space).fastest, candidates[near]])


def speed_beside(
    measurements: Sequence[Measurement], sentinel: Sentinel
) -> dict[str, Speed] | None:
    """How fast the device was while networks were measured, by clock.

    The factor is the median over rounds of what the sentinel took, over what it took for the
    table. Its interval holds the standard errors of both medians.

    Args:
        sentinel: of the table.

    Returns:
        None where another sentinel or none was timed.
    """
    best = max(measurements, key=lambda each: len(each.rounds))
    if not best.ran_beside(sentinel):
        return None
    rounds = [each for each in best.rounds if each.counted]
    found = {
        clock: _speed(times_ms, sentinel, clock)
        for clock in sentinel.latency_ms
        if (times_ms := _times(rounds, clock))
    }
    return found or None


def _times(rounds: Sequence[Round], clock: str) -> list[float]:
    times = (each.sentinel_ms if clock == "wall" else each.sentinel_cpu_ms for each in rounds)
    return [time_ms for time_ms in times if time_ms]


def _speed(times_ms: Sequence[float], sentinel: Sentinel, clock: str) -> Speed:
    factors = np.array(times_ms) / sentinel.latency_ms[clock]
    factor = float(np.median(factors))
    spread = float(factors.std(ddof=1)) / factor if len(factors) > 1 else 0.0
    errors = (spread / np.sqrt(len(factors)), _spread(sentinel.spread, clock, sentinel.rounds))
    # A median's standard error is 1.25 times a mean's.
    reach = 1.96 * 1.2533 * float(np.hypot(*errors))
    return Speed(factor, factor * (1 - min(reach, 0.9)), factor * (1 + reach), "today")


def _spread(spread: Mapping[str, float], clock: str, rounds: int) -> float:
    return spread.get(clock, 0.0) / float(np.sqrt(rounds))
