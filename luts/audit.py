"""A cost model compared with whole networks that were measured for the purpose."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, Self, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from luts.agreement import (
    CONFIDENCES,
    Agreement,
    Bound,
    Calibration,
    agreement,
    calibrate,
    upper_bound,
    upper_bounds,
)
from luts.answers import answer_bound
from nasprof.errors import UsageError
from nasprof.reader import Reader
from nasprof.typing import Array, JsonObject
from spaces import Arch, Space, parse_arch

Role: TypeAlias = Literal["fit", "calibration", "audit", "answer"]
Predict: TypeAlias = Callable[[NDArray[np.int8], Space], Array]
"""Uncalibrated latency in ms of genes ``(n, n_genes)`` of a space."""


@dataclass(frozen=True)
class Measured:
    """A whole network that was measured.

    Args:
        arch: its JSON object.
        role: "fit" if it helped to find the entries, "calibration" if it helped to fit the line,
            "audit" if nothing was fitted on it, "answer" if a search had chosen it.
        latency_ms: by clock ("wall", "cpu"), at the table's speed.
        multiples: of the table's sentinel in the same rounds, by clock; empty where not known.
        session: when it was measured, if it is an answer.
        rank: 1 for the first choice of a budget, the others in the order they were tried; 0 for
            networks that are no answers.
        speed: of the device while it was measured, by clock: what it took then is so many times
            ``latency_ms``.
    """

    arch: Arch
    role: Role
    latency_ms: Mapping[str, float]
    multiples: Mapping[str, float] = field(default_factory=dict)
    session: str = ""
    rank: int = 0
    speed: Mapping[str, float] = field(default_factory=dict)

    def to_dict(self) -> JsonObject:
        """As JSON, without what is not known."""
        more = {
            "multiples": dict(self.multiples),
            "session": self.session,
            "rank": self.rank,
            "speed": dict(self.speed),
        }
        return {
            "arch": self.arch,
            "role": self.role,
            "latency_ms": dict(self.latency_ms),
            **{name: value for name, value in more.items() if value},
        }


@dataclass(frozen=True)
class Audit:
    """Measured networks against predictions on one clock.

    Everything follows from ``networks`` and ``raw_ms``, what is predicted for them uncalibrated.

    Args:
        clock: "wall" or "cpu".
        networks: at least 2 of role "audit".
        raw_ms: ``(n,)`` in the order of the networks.
    """

    clock: str
    networks: tuple[Measured, ...]
    raw_ms: Array

    @classmethod
    def of(cls, networks: Sequence[Measured], predict: Predict, clock: str) -> Self | None:
        """The audit of a prediction, None if there are too few networks on this clock."""
        known = tuple(network for network in networks if clock in network.latency_ms)
        if sum(network.role == "audit" for network in known) < 2:
            return None
        raw_ms = np.empty(len(known))
        spaces = [parse_arch(network.arch)[0] for network in known]
        for space in dict.fromkeys(spaces):
            places = [place for place, own in enumerate(spaces) if own == space]
            genes = space.encode([known[place].arch for place in places])
            raw_ms[places] = predict(genes, space)
        return cls(clock, known, raw_ms)

    @cached_property
    def measured_ms(self) -> Array:
        """Measured latencies ``(n,)``."""
        return np.array([network.latency_ms[self.clock] for network in self.networks])

    def _of(self, role: Role) -> NDArray[np.bool_]:
        return np.array([network.role == role for network in self.networks])

    @cached_property
    def calibration(self) -> Calibration:
        """Fitted on the networks of that role; the identity if there are none."""
        chosen = self._of("calibration")
        return calibrate(self.raw_ms[chosen], self.measured_ms[chosen])

    @cached_property
    def before(self) -> Agreement:
        """Agreement on the audited networks before calibration."""
        chosen = self._of("audit")
        return agreement(self.raw_ms[chosen], self.measured_ms[chosen])

    @cached_property
    def after(self) -> Agreement:
        """Agreement on the audited networks after calibration."""
        chosen = self._of("audit")
        return agreement(self.calibration(self.raw_ms[chosen]), self.measured_ms[chosen])

    @cached_property
    def ratios(self) -> Array:
        """Measured over calibrated latency of the audited networks."""
        chosen = self._of("audit")
        ratios: Array = self.measured_ms[chosen] / self.calibration(self.raw_ms[chosen])
        return ratios

    @cached_property
    def answers(self) -> tuple[Array, Array]:
        """Calibrated and measured latency of first choices, ``(n,)`` each, the oldest first.

        Answers never move the line: what is learnt from them is how far they are off it.
        """
        chosen = self._of("answer") & np.array([network.rank == 1 for network in self.networks])
        return self.calibration(self.raw_ms[chosen]), self.measured_ms[chosen]

    def bound(self, confidence: float) -> Bound:
        """Upper bound on measured over predicted latency of random networks."""
        return upper_bound(self.ratios, confidence)

    def answer_bound(self, confidence: float) -> Bound:
        """Upper bound on the latency of networks that a search chooses."""
        return answer_bound(*self.answers, confidence, self.bound(confidence))

    def to_dict(self) -> JsonObject:
        """What it says, as JSON, without the networks."""
        return {
            "before": self.before.to_dict(),
            "after": self.after.to_dict(),
            "calibration": self.calibration.to_dict(),
            "upper": {
                str(confidence): bound.to_dict()
                for confidence, bound in upper_bounds(self.ratios).items()
            },
            "answers": {
                "n": len(self.answers[0]),
                "upper": {
                    str(confidence): self.answer_bound(confidence).to_dict()
                    for confidence in CONFIDENCES
                },
            },
            "holds": self.after.holds,
        }


def networks_from_dict(data: Sequence[JsonObject], where: str) -> tuple[Measured, ...]:
    """Measured networks from JSON.

    Raises:
        UsageError: naming the field that is missing or wrong.
    """
    return tuple(_network(row, f"{where}[{number}]") for number, row in enumerate(data))


def _network(row: JsonObject, where: str) -> Measured:
    reader = Reader(row, where)
    role = reader.take("role", "a string")
    if role not in get_args(Role):
        known = ", ".join(get_args(Role))
        raise UsageError(f"{where}: field 'role' is {role!r}, expected one of {known}")
    rank = reader.take("rank", "a whole number") if "rank" in row else 0
    if rank < 0:
        raise UsageError(f"{where}: field 'rank' is {rank}, expected at least 0")
    return Measured(
        arch=parse_arch(reader.take("arch", "an object"))[1],
        role=role,
        latency_ms=_times(reader, where),
        multiples=_by_clock(reader, where, "multiples") if "multiples" in row else {},
        session=reader.take("session", "a string") if "session" in row else "",
        rank=rank,
        speed=_by_clock(reader, where, "speed") if "speed" in row else {},
    )


def _times(reader: Reader, where: str) -> dict[str, float]:
    values = reader.take("latency_ms", "an object")
    clocks = Reader(values, f"{where}.latency_ms")
    return {clock: clocks.latency_ms(clock) for clock in values}


def _by_clock(reader: Reader, where: str, name: str) -> dict[str, float]:
    values = reader.take(name, "an object")
    clocks = Reader(values, f"{where}.{name}")
    return {clock: clocks.positive(clock) for clock in values}
