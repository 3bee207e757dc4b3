"""Where a cost model was measured, and what is different there now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from devices import Target
from devices.conditions import Conditions
from luts import CostModel
from nasprof.errors import UsageError
from nasprof.log import logger
from profiler.tables.provenance import conditions_of

if TYPE_CHECKING:
    from devices import Device, RunSettings


@dataclass(frozen=True)
class Place:
    """A device that a cost model is of, and how models are run on it.

    Args:
        name: of the device.
        device: None where no profile has that name.
        settings: how models are run there; None without a device.
        changed: what is different now from when the cost model was measured, in words.
    """

    name: str
    device: Device | None = None
    settings: RunSettings | None = None
    changed: tuple[str, ...] = ()

    @classmethod
    def now(cls, cost: CostModel, device: Device, settings: RunSettings) -> Place:
        """A device as it is now; one elsewhere is not contacted."""
        now = Conditions.of(device, settings, contact=False)
        changed = conditions_of(cost).differences(now)
        return cls(device.profile.name, device, settings, tuple(changed))


def place_of(cost: CostModel, target: Target) -> Place:
    """The device of a cost model; what the target does not say is as its provenance has it.

    Raises:
        UsageError: no device has the name that the target gives.
    """
    try:
        backend = target.resolve(conditions_of(cost))
    except UsageError:
        if target.device is not None:
            raise
        return Place(conditions_of(cost).device or "unknown")
    return Place.now(cost, backend.device, backend.settings)


def warn_of_changes(cost: CostModel, changed: tuple[str, ...]) -> None:
    """Say on stderr where a cost model was measured otherwise than its device is now."""
    if changed:
        logger.warning(
            f"Careful with {cost.name!r}: it was measured otherwise: {'; '.join(changed)}"
        )
