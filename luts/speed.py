"""How fast a device is, as what its sentinel takes.

A device changes its speed: other work, its temperature, its neighbours on the same processor. All
networks change alike to within a few percent, so that one number brings what was measured at one
speed to another: the ratio of what the sentinel took.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal, Self

from nasprof.errors import UsageError
from nasprof.reader import Reader
from nasprof.typing import JsonObject


@dataclass(frozen=True)
class Sentinel:
    """What the reference network took that ran in turns with what was measured.

    Args:
        sha256: of its model file; multiples of another one say something else.
        latency_ms: by clock ("wall", "cpu"), the median over rounds.
        spread: by clock, the standard deviation from round to round as a share, bursts left out.
        rounds: how many.
    """

    sha256: str
    latency_ms: Mapping[str, float]
    spread: Mapping[str, float]
    rounds: int

    def to_dict(self) -> JsonObject:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: JsonObject) -> Self:
        """From JSON.

        Raises:
            UsageError: naming the field that is missing or wrong.
        """
        reader = Reader(data, "sentinel")
        times = Reader(reader.take("latency_ms", "an object"), "sentinel.latency_ms")
        spreads = Reader(reader.take("spread", "an object"), "sentinel.spread")
        rounds = reader.take("rounds", "a whole number")
        if rounds < 1:
            raise UsageError(f"sentinel: field 'rounds' is {rounds}, expected at least 1")
        return cls(
            sha256=reader.take("sha256", "a string"),
            latency_ms={clock: times.latency_ms(clock) for clock in data["latency_ms"]},
            spread={clock: spreads.not_negative(clock) for clock in data["spread"]},
            rounds=rounds,
        )


FAR = 1.1
"""A factor beyond this, or below its inverse, says that the device is not as it was."""


def sentinel_of(provenance: JsonObject) -> Sentinel | None:
    """What ran in turns with what has this provenance; None where none was kept.

    Raises:
        UsageError: it is damaged, naming the field.

    >>> print(sentinel_of({}))
    None
    """
    known = provenance.get("sentinel")
    return None if known is None else Sentinel.from_dict(known)


@dataclass(frozen=True)
class Speed:
    """How many times longer a device takes now than when its table was measured.

    Args:
        factor: above 1 where it is slower.
        low: lower end of the 95 % interval of the factor.
        high: its upper end.
        of: "today" where it was timed, "table" where the table's own speed is meant.
    """

    factor: float = 1.0
    low: float = 1.0
    high: float = 1.0
    of: Literal["today", "table"] = "table"

    @property
    def is_far(self) -> bool:
        """Whether the device is so much slower or faster than its table that it is to be told."""
        return not 1 / FAR <= self.factor <= FAR

    def to_dict(self) -> JsonObject:
        """As JSON."""
        return asdict(self)


TABLE_SPEED = Speed()
"""That of the table itself."""
