"""What was timed of a model, and how samples of several visits are put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from nasprof.typing import JsonObject

THROTTLED = "throttled"
"""Flag of samples taken while the device slowed down for its temperature."""


@dataclass
class Samples:
    """What was timed of one model in one round.

    Args:
        wall_ms: wall-clock time in ms of each timed run, in order: ``(runs,)``.
        cpu_ms: CPU time in ms of each of them: ``(runs,)``; the thread's own at one thread, else
            the whole process's. None where the device cannot tell.
        flags: doubts about these samples, such as "contended" or "throttled".
        context: what else was observed (load, temperature, context switches).
    """

    wall_ms: list[float]
    cpu_ms: list[float] | None = None
    flags: list[str] = field(default_factory=list)
    context: JsonObject = field(default_factory=dict)

    def joined(self, later: Samples) -> Samples:
        """These samples and those of a later visit in the same round."""
        both_known = self.cpu_ms is not None and later.cpu_ms is not None
        return Samples(
            self.wall_ms + later.wall_ms,
            (self.cpu_ms or []) + (later.cpu_ms or []) if both_known else None,
            sorted({*self.flags, *later.flags}),
            _joined_context(self.context, later.context),
        )


Arrived: TypeAlias = Callable[[str, Samples], None]
"""Told the name and the samples of each visit when it is over."""


def take_in(collected: dict[str, Samples], name: str, samples: Samples) -> None:
    """File the samples of a visit with those of earlier visits in the round.

    Args:
        collected: samples of the round so far, by model; changed in place.
        name: of the model that was visited.
        samples: of the visit.

    >>> collected = {"a": Samples([1.0])}
    >>> take_in(collected, "a", Samples([2.0]))
    >>> collected["a"].wall_ms
    [1.0, 2.0]
    """
    collected[name] = collected[name].joined(samples) if name in collected else samples


_TOTALS = ("elapsed_ms", "warmup_ms", "run_delay_ms", "involuntary_switches")


def _joined_context(first: JsonObject, later: JsonObject) -> JsonObject:
    """Durations and counts added up, shares of cores averaged, the rest as it was last."""
    spans = [float(part.get("elapsed_ms") or 0.0) for part in (first, later)]
    joined = {**first, **later}
    for key in first.keys() & later.keys():
        a, b = first[key], later[key]
        if type(a) not in (int, float) or type(b) not in (int, float):
            continue
        if key in _TOTALS:
            joined[key] = round(a + b, 3)
        elif key.endswith("_cores") and any(spans):
            joined[key] = round((a * spans[0] + b * spans[1]) / sum(spans), 3)
    return joined
