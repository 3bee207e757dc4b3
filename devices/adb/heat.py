"""Heat: waiting until a device has cooled down, and telling what was timed while it was hot."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from devices.adb.options import AdbOptions
from devices.adb.state import throttled
from devices.samples import THROTTLED, Samples
from nasprof.log import logger
from nasprof.typing import JsonObject

COOL_POLL_S = 2.0


class Heat:
    """The heat of a device, compared with what it was when this was made.

    Args:
        options: until when to wait, and for how long at most.
        state: tells the device's state.
    """

    def __init__(self, options: AdbOptions, state: Callable[[], JsonObject]) -> None:
        self._options = options
        self._state = state
        self._baseline = state()
        self._waited_s = 0.0

    def cool_down(self) -> JsonObject:
        """Wait while the device is too hot to be measured, and return its state then."""
        start = time.monotonic()
        state = self._state()
        limit = start + self._options.cool_limit_s
        waiting = False
        while self._hot(state) and time.monotonic() < limit:
            if not waiting:
                waiting = True
                logger.info(
                    f"waiting for the device to cool down (at most {self._options.cool_limit_s:g} "
                    f"s, now {state.get('temperature_c', '?')} °C)"
                )
            time.sleep(min(COOL_POLL_S, max(0.0, limit - time.monotonic())))
            state = self._state()
        self._waited_s = time.monotonic() - start if waiting else 0.0
        return state

    def _hot(self, state: JsonObject) -> bool:
        limit_c = self._options.cool_below_c
        too_warm = limit_c is not None and state.get("temperature_c", limit_c) > limit_c
        return too_warm or throttled(state, self._baseline)

    def judge(
        self, samples_by_model: Mapping[str, Samples], before: JsonObject, after: JsonObject
    ) -> None:
        """Note the heat before and after a round with its samples, and flag throttled ones.

        Args:
            samples_by_model: of the round; changed in place.
            before: the device's state before the round.
            after: and after it.
        """
        hot = throttled(before, self._baseline) or throttled(after, self._baseline)
        for samples in samples_by_model.values():
            for what in ("temperature_c", "thermal_status"):
                if what in before or what in after:
                    samples.context[what] = [before.get(what), after.get(what)]
            samples.context["cooled_s"] = round(self._waited_s, 1)
            if hot:
                samples.flags.append(THROTTLED)
