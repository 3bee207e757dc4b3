"""Measurements that ended before they were complete."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from devices import DeviceError
from nasprof.errors import NasprofError
from nasprof.signals import interruption
from profiler.measuring.inputs import failure
from profiler.measuring.records import Measurement
from profiler.measuring.status import EMPTY, SENTINEL


class Interrupted(NasprofError):
    """A measurement ended before it was complete.

    Args:
        cause: what ended it.
        measurements: what was measured until then; those not complete have the flag "incomplete".
    """

    def __init__(self, cause: BaseException, measurements: Sequence[Measurement]) -> None:
        error = cause if isinstance(cause, NasprofError) else NasprofError(interruption(cause))
        if isinstance(cause, DeviceError) and cause.model is not None:
            error = failure(cause.model, cause)
        super().__init__(error.message, error.remedy)
        self.cause = cause
        self.measurements = list(measurements)

    @property
    def fault(self) -> DeviceError | None:
        """The failure if it is of one model, and came before anything was measured."""
        if self.measurements or not isinstance(self.cause, DeviceError):
            return None
        return self.cause if self.cause.model not in (None, SENTINEL, EMPTY) else None


class Cancelled(Interrupted):
    """The user pressed Ctrl-C, or the process was to end."""


@contextmanager
def giving_partial(measured: Callable[[], Sequence[Measurement]]) -> Iterator[None]:
    """Give what was measured to whoever interrupts the work inside, or handles its failure.

    Raises:
        Interrupted: a device failed.
        Cancelled: the user pressed Ctrl-C.
    """
    try:
        yield
    except KeyboardInterrupt as cause:
        raise Cancelled(cause, measured()) from cause
    except DeviceError as cause:
        raise Interrupted(cause, measured()) from cause
