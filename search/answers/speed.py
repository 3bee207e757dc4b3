"""The speed of the device that answers are of: today's where it can be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from devices import DeviceError
from luts import TABLE_SPEED, Sentinel, Speed
from nasprof.errors import UsageError
from nasprof.log import logger
from profiler.measuring.interruption import Cancelled, Interrupted
from profiler.measuring.records import Measurement
from profiler.tables.progress import BuildProgress
from search.answers.deployment import Deployment


@dataclass(frozen=True)
class StatedSpeed:
    """The speed of the device that was stated, at which latencies are read.

    Args:
        clock: the clock that budgets are of.
        sentinel: what the sentinel took when the table was measured; None reads what was clocked.
        factor: how many times longer the device is stated to take now.
    """

    clock: str
    sentinel: Sentinel | None = None
    factor: float = 1.0

    @classmethod
    def at(cls, deployment: Deployment, speed: Speed) -> StatedSpeed:
        """The speed of a deployment's device as it was told."""
        cost = deployment.trade_off.cost
        sentinel = getattr(cost, "sentinel", None) if speed.of == "today" else None
        return cls(cost.clock, sentinel, speed.factor)

    def latency_ms(self, measurement: Measurement) -> float:
        """What a network takes at that speed."""
        if self.sentinel is None or not measurement.ran_beside(self.sentinel):
            return measurement.by_clock[self.clock]
        return measurement.at_speed_of(self.sentinel)[self.clock] * self.factor


def speed_for(
    deployment: Deployment,
    requested: Literal["today", "table"] | None,
    measuring: bool,
    progress: BuildProgress | None = None,
) -> Speed:
    """The speed that answers are of: today's where it can be told, unless requested otherwise.

    Args:
        measuring: whether answers will be measured on the device, so that it may be contacted.

    Raises:
        UsageError: today's was requested and cannot be told, saying why.
    """
    if requested == "table" or (requested is None and not (deployment.local or measuring)):
        return TABLE_SPEED
    name = deployment.name
    if deployment.backend is None:
        return _table_speed(f"no device is called {name!r}", requested)
    if deployment.changed:
        return _table_speed("the device is not as it was when the table was measured", requested)
    logger.info(f"Timing the sentinel on {name!r}")
    try:
        speed = deployment.speed(progress)
    except Cancelled:
        raise
    except (DeviceError, Interrupted) as error:
        return _table_speed(error.message, requested)
    if speed is None:
        cost = deployment.trade_off.cost.name
        return _table_speed(f"{cost!r} keeps no sentinel of its own", requested)
    if speed.is_far:
        logger.warning(
            f"Careful: {name!r} takes {speed.factor:.2f} times as long as when its table was "
            "measured. Wait until it is as it was, or nasprof build-lut --fresh"
        )
    return speed


def _table_speed(why: str, requested: str | None) -> Speed:
    if requested is not None:
        raise UsageError(
            f"today's speed cannot be told: {why}",
            "Take --speed table, or a table measured on this device: nasprof build-lut.",
        )
    logger.warning(f"Latencies are at the table's speed: {why}")
    return TABLE_SPEED
