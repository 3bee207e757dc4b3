"""Which rounds to trust, and when a model has been measured enough.

A round is *disturbed* when the sentinel ran faster or slower than usual ("drift"), or when the
device itself has doubts about it ("contended", "limited", "throttled"). Disturbed rounds are
kept, taken again, and counted only where there are not enough others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from devices.contention import BESIDE
from luts.entry import CLOCKS
from nasprof.typing import Array, JsonObject
from profiler.measuring.estimates import (
    Estimates,
    estimate,
    paired_multiple,
    quick_half_width,
    robust_spread,
    trimmed_mean,
)
from profiler.measuring.protocol import Protocol
from profiler.measuring.records import Round

DRIFT = "drift"
INCOMPLETE = "incomplete"
BOOTSTRAP_SEED = 95
ENOUGH_ROUNDS = 10
"""Rounds from which on it can be told how much a sentinel scatters."""
WIDEST = 0.1
"""Share by which a sentinel that is off means another speed, however much it scatters."""


def drifted(sentinel_ms: Sequence[float | None], limit: float) -> list[bool]:
    """Which rounds' sentinel is off the median of the good rounds by more than ``limit``.

    A sentinel that scatters from one round to the next says nothing about the device by being off
    once, so the limit is three times that scatter where that is more, up to :data:`WIDEST`. What
    is good depends on the median, and the median on what is good: both are settled in turn.
    """
    values = np.array([np.nan if value is None else value for value in sentinel_ms], np.float64)
    known = np.isfinite(values)
    limit = max(limit, min(WIDEST, 3 * _scatter(values[known])))
    good = known.copy()
    for _ in range(len(values)):
        if not good.any():
            break
        median = np.median(values[good])
        now = known & (np.abs(values - median) <= limit * median)
        if (now == good).all():
            break
        good = now
    return [bool(bad) for bad in known & ~good]


def _scatter(values: Array) -> float:
    """Standard deviation from one round to the next, as a share; robust against changes of speed.

    A change of speed is one large difference among many small ones, which the median ignores.
    """
    if len(values) < ENOUGH_ROUNDS or not (values > 0).all():
        return 0.0
    steps = np.abs(np.diff(np.log(values)))
    return float(1.4826 * np.median(steps) / np.sqrt(2))


def marked(rounds: Sequence[Round], protocol: Protocol) -> list[Round]:
    """The rounds of one model with "drift" set where it belongs."""
    bad = drifted([round_.sentinel_ms for round_ in rounds], protocol.drift_limit)
    return [
        replace(
            round_,
            flags=[flag for flag in round_.flags if flag != DRIFT] + [DRIFT] * bad[index],
        )
        for index, round_ in enumerate(rounds)
    ]


def selected(rounds: Sequence[Round], protocol: Protocol) -> list[Round]:
    """The rounds of one model with ``counted`` set.

    Undisturbed ones if there are at least ``rounds_min``; else those that merely had to wait
    for other work or their CPU quota as well; else all there are.
    """
    rounds = marked(rounds, protocol)
    for tolerated in (frozenset[str](), BESIDE, BESIDE | {DRIFT}):
        counted = [set(round_.flags) <= tolerated for round_ in rounds]
        if sum(counted) >= protocol.rounds_min:
            break
    else:
        counted = [True] * len(rounds)
    return [replace(round_, counted=use) for round_, use in zip(rounds, counted, strict=True)]


def doubts(rounds: Sequence[Round]) -> set[str]:
    """Flags of the whole measurement: those of counted rounds, and those of most rounds."""
    counted = {flag for round_ in rounds if round_.counted for flag in round_.flags}
    every = [flag for round_ in rounds for flag in set(round_.flags)]
    return counted | {flag for flag in every if every.count(flag) > len(rounds) / 2}


@dataclass(frozen=True)
class Completion:
    """How far a model's measurement has come.

    Args:
        stopped: "converged" or "limit" if it is complete, else None.
        rounds_left: how many more rounds it will take, as far as can be told.
    """

    stopped: str | None
    rounds_left: int


def judge(rounds: Sequence[Round], protocol: Protocol, late: bool = False) -> Completion:
    """Whether the rounds of one model are enough.

    Args:
        late: whether the protocol's time is over, so that ``rounds_min`` rounds must do.
    """
    chosen = [round_ for round_ in selected(rounds, protocol) if round_.counted]
    clean = sum(not round_.flags for round_ in marked(rounds, protocol))
    disturbed = len(rounds) - clean
    usable = len(chosen) if disturbed > protocol.repeats else clean
    if late and len(rounds) >= protocol.rounds_min:
        usable = max(usable, len(chosen))
    if usable < protocol.rounds_min:
        return Completion(None, protocol.rounds_min - usable)
    width = _half_width(chosen, protocol)
    if protocol.target is not None and width <= protocol.target:
        return Completion("converged", 0)
    most = protocol.rounds_max + protocol.repeats
    if late or usable >= protocol.rounds_max or len(rounds) >= most:
        return Completion("limit", 0)
    if protocol.target is None:
        return Completion(None, protocol.rounds_max - usable)
    # The interval narrows with the root of the number of rounds.
    needed = usable * (min(width, 1.0) / max(protocol.target, 1e-6)) ** 2
    return Completion(None, max(1, min(int(needed), protocol.rounds_max) - usable))


def _half_width(chosen: Sequence[Round], protocol: Protocol) -> float:
    """Half the 95 % interval of the trimmed mean, as a share of it.

    The bootstrap decides; the cheaper interval over rounds only spares it while it is far off.
    """
    means = [trimmed_mean(round_.wall_ms, protocol.trim) for round_ in chosen]
    quick = quick_half_width(means)
    if protocol.target is None or (len(chosen) > 1 and quick > 1.5 * protocol.target):
        return quick
    return summarise([round_.wall_ms for round_ in chosen], protocol).relative_half_width


def summarise(rounds_ms: Sequence[Sequence[float]], protocol: Protocol) -> Estimates:
    """Every estimator over the samples of several rounds; the same rounds give the same."""
    samples = np.concatenate([np.asarray(round_, np.float64) for round_ in rounds_ms])
    lengths = [len(round_) for round_ in rounds_ms]
    return estimate(samples, protocol.trim, np.random.default_rng(BOOTSTRAP_SEED), lengths)


def beside(rounds: Sequence[Round]) -> tuple[JsonObject | None, dict[str, float]]:
    """What the sentinel took in these rounds, and the model's latency as multiples of it.

    Rounds without a sentinel are left out; all of a clock where one is lacking on that clock.

    Returns:
        The sentinel's ``latency_ms`` and ``spread`` by clock, None without one; multiples by clock.
    """
    latency_ms, spread, multiples = {}, {}, {}
    for clock in CLOCKS:
        known = [round_ for round_ in rounds if _ran_beside(round_, clock)]
        if not known or (clock == "cpu" and len(known) < len(rounds)):
            continue
        wall = clock == "wall"
        times = [round_.sentinel_ms if wall else round_.sentinel_cpu_ms for round_ in known]
        own = [min((round_.wall_ms if wall else round_.cpu_ms) or []) for round_ in known]
        latency_ms[clock] = float(np.median(np.array(times, np.float64)))
        spread[clock] = robust_spread([time_ms or 0.0 for time_ms in times])
        multiples[clock] = paired_multiple(own, [t.sentinel_fastest_ms[clock] for t in known])
    if not multiples:
        return None, {}
    return {"latency_ms": latency_ms, "spread": spread, "rounds": len(rounds)}, multiples


def _ran_beside(round_: Round, clock: str) -> bool:
    """Whether both the model and the sentinel were timed by that clock in a round."""
    own_ms = round_.wall_ms if clock == "wall" else round_.cpu_ms
    sentinel_ms = round_.sentinel_ms if clock == "wall" else round_.sentinel_cpu_ms
    return bool(own_ms and sentinel_ms and round_.sentinel_fastest_ms.get(clock))
