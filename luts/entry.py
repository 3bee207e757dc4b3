"""What a lookup table knows of one block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from nasprof.errors import UsageError
from nasprof.reader import Reader
from nasprof.typing import JsonObject

CLOCKS = ("wall", "cpu")


@dataclass(frozen=True)
class Entry:
    """What one block costs.

    Args:
        latency_ms: by clock: "wall" and, where the device tells it, "cpu".
        std_ms: standard deviation of the samples by the wall clock, None where unknown.
        count: number of samples, None where unknown.
        flags: doubts about the measurement.
    """

    latency_ms: Mapping[str, float]
    std_ms: float | None = None
    count: int | None = None
    flags: tuple[str, ...] = ()

    def to_dict(self) -> JsonObject:
        """As JSON."""
        flags = {"flags": list(self.flags)} if self.flags else {}
        return {
            "latency_ms": dict(self.latency_ms),
            "std_ms": self.std_ms,
            "count": self.count,
            **flags,
        }

    @classmethod
    def from_dict(cls, data: JsonObject, where: str) -> Self:
        """From JSON.

        Raises:
            UsageError: naming the field that is missing or wrong, and ``where`` it is.
        """
        reader = Reader(data, where)
        latency = reader.take("latency_ms", "an object")
        clocks = Reader(latency, f"{where}.latency_ms")
        for clock in latency:
            if clock not in CLOCKS:
                raise UsageError(
                    f"{where}: unknown clock {clock!r}, expected {' or '.join(CLOCKS)}"
                )
        count = reader.take("count", "a whole number or null")
        if count is not None and count < 1:
            raise UsageError(f"{where}: field 'count' is {count}, expected at least 1")
        std_ms = reader.take("std_ms", "a number or null")
        std_ms = None if std_ms is None else reader.latency_ms("std_ms", 0)
        flags = reader.take("flags", "a list of strings") if "flags" in data else []
        times = {clock: clocks.latency_ms(clock, 0) for clock in latency}
        return cls(times, std_ms, count, tuple(flags))
