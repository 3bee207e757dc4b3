"""Today's speed: what the sentinel takes now, beside what it took when a table was measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from luts import LookupTable, Sentinel, Speed
from profiler.measuring.estimates import robust_spread
from profiler.measuring.records import Measurement, Round
from spaces import Genes, Space

TIMINGS = 5
"""How often the sentinel is timed at most."""
FAR_TIMINGS = 3
"""How often it is timed at least where it is far from the table's, which may be over soon."""
NARROW = 0.01
"""Reach of the interval, as a share, that is enough."""

Measure = Callable[[Genes], Sequence[Measurement]]
"""Measures architectures ``(n, n_genes)`` in turns with the sentinel, as the table was."""


def todays_speed(table: LookupTable, space: Space, measure: Measure) -> dict[str, Speed] | None:
    """How fast the device is now, by clock; None where the table keeps no such sentinel.

    The sentinel is timed as the table was measured: in turns with networks, so that it finds the
    caches as it found them then. It is timed again while the interval is wide or the factor far
    from 1, and all rounds count.

    Raises:
        DeviceError, Interrupted: as :func:`profiler.measuring.measure.measure_files`.
    """
    if table.sentinel is None:
        return None
    companions = _companions(table, space)
    rounds: list[Round] = []
    for timings in range(1, TIMINGS + 1):
        measurement = _longest(measure(companions))
        if not measurement.ran_beside(table.sentinel):
            return None
        rounds += measurement.rounds
        speeds = _speeds(rounds, table.sentinel)
        speed = speeds.get(table.clock)
        if speed is None:
            return None
        near = not speed.is_far or timings >= FAR_TIMINGS
        if near and speed.high <= (1 + NARROW) * speed.factor:
            break
    return speeds


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
    best = _longest(measurements)
    return _speeds(best.rounds, sentinel) or None if best.ran_beside(sentinel) else None


def _longest(measurements: Sequence[Measurement]) -> Measurement:
    """The one that was in all rounds, which one sentinel was in."""
    return max(measurements, key=lambda measurement: len(measurement.rounds))


def _speeds(rounds: Sequence[Round], sentinel: Sentinel) -> dict[str, Speed]:
    counted = [round_ for round_ in rounds if round_.counted]
    return {
        clock: _speed(times_ms, sentinel, clock)
        for clock in sentinel.latency_ms
        if (times_ms := _times(counted, clock))
    }


def _times(rounds: Sequence[Round], clock: str) -> list[float]:
    times = (round_.sentinel_ms if clock == "wall" else round_.sentinel_cpu_ms for round_ in rounds)
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
