"""Today's speed: what the sentinel takes now, beside what it took when a table was measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from luts import LookupTable, Sentinel, Speed
from profiler.records import Measurement, Round
from profiler.statistics import robust_spread
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
        if speed is None or table.clock not in speed:
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
    table. Its interval is of today's timing: what the table's own was off by is the same for all
    answers, and so in their bound.

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
    now_ms, spread = float(np.median(times_ms)), robust_spread(times_ms)
    return _between(now_ms, spread, len(times_ms), sentinel.latency_ms[clock])


def speed_between(now: Sentinel, then: Sentinel) -> dict[str, Speed] | None:
    """How fast a device was in one session beside another, by clock, as their sentinels tell.

    None where these are not the same network.
    """
    if now.sha256 != then.sha256:
        return None
    return {
        clock: _between(
            now.latency_ms[clock], now.spread.get(clock, 0.0), now.rounds, then.latency_ms[clock]
        )
        for clock in now.latency_ms.keys() & then.latency_ms.keys()
    } or None


def _between(now_ms: float, spread: float, rounds: int, then_ms: float) -> Speed:
    factor = now_ms / then_ms
    # A median's standard error is 1.25 times a mean's.
    reach = 1.96 * 1.2533 * spread / rounds**0.5
    return Speed(factor, factor * (1 - min(reach, 0.9)), factor * (1 + reach), "today")
