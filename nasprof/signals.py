"""Signals that end a process from outside, heeded as Ctrl-C is."""

from __future__ import annotations

import signal
from types import FrameType

_ENDING = [
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGINT") if hasattr(signal, name)
]


class Terminated(KeyboardInterrupt):
    """Another program ended this one (``docker stop``, ``timeout``), or its terminal is gone.

    Its only argument is the signal's name.
    """


def interruption(error: BaseException) -> str:
    """How a KeyboardInterrupt is told: ``interrupted``, ``interrupted by SIGTERM``."""
    return f"interrupted by {error}" if isinstance(error, Terminated) else "interrupted"


def end_as_interrupted() -> None:
    """From now on SIGTERM and SIGHUP raise :class:`Terminated` in the main thread, once.

    What is ignored stays ignored, as under ``nohup``.
    """
    for number in _ENDING:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _end)


def end_at_once() -> None:
    """From now on these signals and Ctrl-C end the process as the system does: nothing is left."""
    for number in _ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def _end(number: int, frame: FrameType | None) -> None:
    # A terminal and its shell may both tell that it is gone: the second time does not cut short
    # what the first one has saved. No SIG_IGN, which processes started from now on would inherit.
    for other in _ENDING:
        if signal.getsignal(other) is _end:
            signal.signal(other, _known)
    raise Terminated(signal.Signals(number).name)


def _known(number: int, frame: FrameType | None) -> None:
    """The process ends already."""
