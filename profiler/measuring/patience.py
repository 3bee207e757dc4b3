"""Patience with devices that vanish and come back."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from devices import Device, DeviceError, DeviceLost, DeviceTimeout, DeviceUnreachable, Session

T = TypeVar("T")


@dataclass(frozen=True)
class Patience:
    """Does steps of work on a device, each again when the device was lost and is back.

    Args:
        session: what works on the device. Once it has ended for good there is no waiting.
        limit_s: how long to wait, from when the device was lost.
        waiting: told in words what is waited for.
    """

    device: Device
    session: Session
    limit_s: float
    waiting: Callable[[str], None] = lambda _: None

    def __call__(self, step: Callable[[], T]) -> T:
        """What a step returns.

        Raises:
            DeviceError: the step failed otherwise, or the device did not come back in time.
        """
        lost_since = None
        while True:
            try:
                return step()
            except (DeviceLost, DeviceTimeout, DeviceUnreachable) as cause:
                lost_since = lost_since or time.monotonic()
                left_s = lost_since + self.limit_s - time.monotonic()
                if left_s <= 0 or self.session.ended is not None:
                    raise
                self.waiting(f"lost the device ({cause.message}); waiting for it")
                self._wait(left_s, cause)

    def _wait(self, limit_s: float, cause: DeviceError) -> None:
        """Return when the device answers again; else the error that lost it is what there is."""
        end = time.monotonic() + limit_s
        while not self.device.check().ok:
            if time.monotonic() > end:
                raise cause
            time.sleep(1.0)
