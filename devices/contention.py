"""Telling from what was observed whether other work disturbed a measurement.

The thresholds were chosen on measured runs, see :data:`MAX_OTHER_CORES` and its neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence

from devices.samples import Samples
from nasprof.typing import JsonObject

CONTENDED = "contended"
LIMITED = "limited"
"""Flag of samples for which the process's own CPU allowance did not suffice: nobody else's work."""

BESIDE = frozenset({CONTENDED, LIMITED})
"""Flags of what takes time by the wall clock, and not by the CPU clock."""

MAX_OTHER_CORES = 0.3
"""Load of other processes, in cores. Idle rounds showed up to 0.1, a busy loop on either core of
two 0.48 (sharing the model's core) to 1.2; one tick of the kernel's clock is 0.05."""

MAX_STEAL_CORES = 0.15
"""Load of other virtual machines, in cores. Undisturbed rounds showed up to 0.1."""

MAX_LOST_SHARE = 0.05
"""Share of time the model's threads were ready but did not run. Idle rounds showed up to 0.02, a
busy loop on the model's core 0.3 to 0.6."""

_SHORTEST_MS = 200.0
"""In less time than this a single interruption would be a large share, and still mean nothing."""


def mark_contention(
    samples: Samples, threads: int, round_context: JsonObject, allowance: str | None = None
) -> None:
    """Flag samples that other work disturbed, and keep with them what tells so.

    Args:
        samples: of one model in one round.
        threads: threads the runtime used.
        round_context: what the runner observed over the whole round.
        allowance: what kept the threads waiting besides other work, in words; None if nothing.
    """
    samples.context["round"] = dict(round_context)
    reasons = load_reasons(samples.context, round_context)
    lost = lost_share(samples.wall_ms, samples.cpu_ms, threads, samples.context, round_context)
    if lost > MAX_LOST_SHARE and allowance is not None:
        samples.flags.append(LIMITED)
        samples.context["limited_because"] = [allowance, _waiting(lost)]
    elif lost > MAX_LOST_SHARE:
        reasons.append(_waiting(lost))
    if reasons:
        samples.flags.append(CONTENDED)
        samples.context["contended_because"] = reasons


def contention_reasons(
    wall_ms: Sequence[float],
    cpu_ms: Sequence[float] | None,
    threads: int,
    context: JsonObject,
    round_context: JsonObject,
) -> list[str]:
    """Why samples are to be called contended, in words; empty if they are not.

    Args:
        wall_ms: wall-clock time of each run.
        cpu_ms: CPU time of each run, or None where it says nothing about the work.
        threads: threads the runtime used. Only with one is CPU time comparable to wall time.
        context: what the runner observed while these samples were taken.
        round_context: what it observed over the whole round; stands in where the samples' own
            time was too short to tell.
    """
    reasons = load_reasons(context, round_context)
    lost = lost_share(wall_ms, cpu_ms, threads, context, round_context)
    return [*reasons, _waiting(lost)] if lost > MAX_LOST_SHARE else reasons


def load_reasons(context: JsonObject, round_context: JsonObject) -> list[str]:
    """What other load there was, in words, where it is too much; as :func:`contention_reasons`."""

    def observed(name: str) -> float:
        value = context.get(name)
        return float((round_context.get(name) if value is None else value) or 0.0)

    reasons = []
    if observed("other_cores") > MAX_OTHER_CORES:
        reasons.append(f"other processes used {observed('other_cores'):.2f} cores")
    if observed("steal_cores") > MAX_STEAL_CORES:
        reasons.append(f"other virtual machines took {observed('steal_cores'):.2f} cores")
    return reasons


def _waiting(lost: float) -> str:
    return f"the model's threads were kept waiting {lost:.0%} of the time"


def lost_share(
    wall_ms: Sequence[float],
    cpu_ms: Sequence[float] | None,
    threads: int,
    context: JsonObject,
    round_context: JsonObject,
) -> float:
    """Share of the time in which threads that had work did not run.

    At one thread that is what the CPU clock lacks of the wall clock. A pool's threads also rest
    when there is nothing to do, so for them only the kernel's count of waiting time serves.

    Args:
        wall_ms: wall-clock times in ms of a visit: ``(runs,)``.
        cpu_ms: CPU times in ms: ``(runs,)``.
        threads: that could run.
        context: what else was observed of the visit.
        round_context: and of its round.
    """
    waited = max(_waited_share(context, threads), _waited_share(round_context, threads))
    if threads > 1 or not cpu_ms:
        return waited
    wall = sum(wall_ms)
    return max(waited, (wall - sum(cpu_ms)) / max(wall, _SHORTEST_MS))


def _waited_share(context: JsonObject, threads: int) -> float:
    delay, elapsed = context.get("run_delay_ms"), context.get("elapsed_ms")
    return float(delay) / (threads * max(float(elapsed), _SHORTEST_MS)) if delay and elapsed else 0
