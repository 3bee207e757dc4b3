"""A cost model compared with whole networks that were measured for the purpose."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Self, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from luts.agreement import (
    Agreement,
    Array,
    Bound,
    Calibration,
    agreement,
    calibrate,
    upper_bound,
    upper_bounds,
)
from nasprof.errors import UsageError
from nasprof.reader import Reader
from spaces import Arch, Space, parse_arch

Role: TypeAlias = Literal["fit", "calibration", "audit"]
Predict: TypeAlias = Callable[[NDArray[np.int8], Space], Array]
"""Uncalibrated latency in ms of genes ``(n, n_genes)`` of a space."""


@dataclass(frozen=True)
class Measured:
    """A whole network that was measured.

    Args:
        arch: its JSON object.
        role: "fit" if it helped to find the entries, "calibration" if it helped to fit the line,
            "audit" if nothing was fitted on it.
        latency_ms: by clock ("wall", "cpu").
    """

    arch: Arch
    role: Role
    latency_ms: Mapping[str, float]


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
        for place, (network, space) in enumerate(zip(known, spaces, strict=True)):
            raw_ms[place] = predict(space.encode([network.arch]), space)[0]
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

    def bound(self, confidence: float) -> Bound:
        """Upper bound on measured over predicted latency."""
        return upper_bound(self.ratios, confidence)

    def as_dict(self) -> dict[str, Any]:
        """What it says, as JSON, without the networks."""
        return {
            "before": self.before.as_dict(),
            "after": self.after.as_dict(),
            "calibration": self.calibration.as_dict(),
            "upper": {
                str(confidence): bound.as_dict()
                for confidence, bound in upper_bounds(self.ratios).items()
            },
            "holds": self.after.holds,
        }


def networks_as_dict(networks: Sequence[Measured]) -> list[dict[str, Any]]:
    """Measured networks as JSON."""
    return [
        {"arch": network.arch, "role": network.role, "latency_ms": dict(network.latency_ms)}
        for network in networks
    ]


def networks_from_dict(data: Any, where: str) -> tuple[Measured, ...]:
    """Measured networks from JSON.

    Raises:
        UsageError: naming the field that is missing or wrong.
    """
    networks = []
    for number, row in enumerate(data):
        reader = Reader(row, f"{where}[{number}]")
        role = reader.take("role", "a string")
        if role not in get_args(Role):
            known = ", ".join(get_args(Role))
            raise UsageError(
                f"{where}[{number}]: field 'role' is {role!r}, expected one of {known}"
            )
        clocks = Reader(reader.take("latency_ms", "an object"), f"{where}[{number}].latency_ms")
        latency_ms = {clock: clocks.positive(clock) for clock in row["latency_ms"]}
        arch = parse_arch(reader.take("arch", "an object"))[1]
        networks.append(Measured(arch, role, latency_ms))
    return tuple(networks)
