"""What can go wrong with a device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from devices.foreign import printable
from devices.samples import Samples
from nasprof.errors import NasprofError

_MAX_WORDS = 4000


class DeviceError(NasprofError):
    """A device cannot be reached, or did not do what was asked of it.

    Its words may be the device's own: what cannot be shown is left out of them.

    Args:
        partial: what was measured before it failed, by model name.
        model: name of the one model that it could not load or run; the others are not concerned.
        inputs: what that model was run on, see :attr:`devices.runner.inputs.Inputs.described`.
    """

    def __init__(
        self,
        message: str,
        remedy: str | None = None,
        partial: Mapping[str, Samples] | None = None,
        *,
        model: str | None = None,
        inputs: Sequence[Mapping[str, object]] = (),
    ) -> None:
        super().__init__(_shown(message), remedy and _shown(remedy))
        self.partial = dict(partial or {})
        self.model = model
        self.inputs = list(inputs)


def _shown(text: str) -> str:
    return "\n".join(printable(line) for line in text[:_MAX_WORDS].split("\n"))


class DeviceUnreachable(DeviceError):
    """Nobody answers: not connected, not authorised, switched off."""


class DeviceLost(DeviceError):
    """The device answered before and does not any more."""


class DeviceTimeout(DeviceError):
    """A command ran past its limit; it was ended on the device."""


class RunnerCrashed(DeviceError):
    """The program that runs the models ended with a failure."""


class RunnerRefused(DeviceError):
    """The runner cannot do what was asked (runtime, delegate, flag, model): no number is given."""


class DeviceFull(DeviceError):
    """No space left on the device."""
