"""Where a cost model was measured, and what is different there now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from luts import CostModel
from nasprof.cli import say
from nasprof.errors import UsageError
from profiler.provenance import changes

if TYPE_CHECKING:
    from devices import Device, RunSettings
    from profiler.commands.target import Target


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
        here = {"device_fingerprint": device.fingerprint()} if device.local else {}
        conditions = {
            "device": device.profile.name,
            **here,
            "runtime": settings.runtime,
            "threads": settings.threads,
        }
        return cls(device.profile.name, device, settings, tuple(changes(cost, conditions)))


def place_of(cost: CostModel, target: Target) -> Place:
    """The device of a cost model; what the target does not say is as its provenance has it.

    Raises:
        UsageError: no device has the name that the target gives.
    """
    named = known(cost, "device", str)
    try:
        profile = target.profile(default=named or "cpu")
    except UsageError:
        if target.device_name is not None:
            raise
        return Place(named or "unknown")
    settings = target.settings(profile, known(cost, "runtime", str))
    if target.threads is None:
        settings = replace(settings, threads=known(cost, "threads", int) or settings.threads)
    return Place.now(cost, target.device(profile), settings)


def known(cost: CostModel, name: str, kind: type) -> Any:
    """What a cost model's provenance has under a name, if it is of that type; else None."""
    value = cost.provenance.get(name)
    return value if type(value) is kind else None


def warn_of_changes(cost: CostModel, changed: tuple[str, ...]) -> None:
    """Say on stderr where a cost model was measured otherwise than its device is now."""
    if changed:
        say(f"Careful with {cost.name!r}: it was measured otherwise: {'; '.join(changed)}")
