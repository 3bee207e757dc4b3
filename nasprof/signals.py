"""Signals that end a process from outside, heeded as Ctrl-C is."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from weakref import ref

_ENDING = [
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGINT") if hasattr(signal, name)
]

_AGAIN_S = 0.01
_LOST_S = 0.5


_arrived: list[str] = []
"""Names of the signals that were to end this process."""
_told: list[ref[Terminated]] = []
_heeded: list[bool] = []


class Terminated(KeyboardInterrupt):
    """Another program ended this one (``docker stop``, ``timeout``), or its terminal is gone.

    Its only argument is the signal's name.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        _told.append(ref(self))


def interruption(error: BaseException) -> str:
    """How a KeyboardInterrupt is told: ``interrupted``, ``interrupted by SIGTERM``."""
    return f"interrupted by {error}" if isinstance(error, Terminated) else "interrupted"


def interruption_behind(error: BaseException) -> str | None:
    """How the interruption is told that an error came of; None if there was none.

    Numpy makes errors of its own of interruptions that come while it compares arrays.

    >>> try:
    ...     raise TypeError("cannot compare") from KeyboardInterrupt()
    ... except TypeError as error:
    ...     interruption_behind(error)
    'interrupted'
    """
    behind: BaseException | None = error
    while behind is not None:
        if isinstance(behind, KeyboardInterrupt):
            return interruption(behind)
        behind = behind.__cause__ or behind.__context__
    return f"interrupted by {_arrived[-1]}" if _arrived and not _heeded else None


def leave_when_interrupted() -> None:
    """From now on Ctrl-C ends the process at once: it has only begun, and nothing is to be saved.

    An exception would come in the middle of imports, where some are swallowed.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)


def raise_when_interrupted() -> None:
    """From now on Ctrl-C raises KeyboardInterrupt again."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def end_as_interrupted() -> None:
    """From now on SIGTERM and SIGHUP raise :class:`Terminated` in the main thread, once.

    What is ignored stays ignored, as under ``nohup``. Where an exception could not be raised, as
    in the destructor of an object, or was swallowed, it is raised a moment later. Who catches it
    and does not pass it on says so by :func:`heeded`.
    """
    for number in _ENDING:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _end)
    sys.unraisablehook = _unraised


def end_at_once() -> None:
    """From now on these signals and Ctrl-C end the process as the system does: nothing is left."""
    heeded()
    for number in _ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def _leave(number: int, frame: FrameType | None) -> None:
    with suppress(OSError):
        os.write(2, b"Error: interrupted\n")
    os._exit(1)


def _end(number: int, frame: FrameType | None) -> None:
    # A terminal and its shell may both tell that it is gone: the second time does not cut short
    # what the first one has saved. No SIG_IGN, which processes started from now on would inherit.
    for other in _ENDING:
        if signal.getsignal(other) is _end:
            signal.signal(other, _known)
    _ask_later(number)
    _arrived.append(signal.Signals(number).name)
    # Not by a variable, which the exception's own traceback would keep.
    raise Terminated(signal.Signals(number).name)


def _known(number: int, frame: FrameType | None) -> None:
    """The process ends already, unless the exception that was to end it is lost."""
    if _is_lost():
        _end(number, frame)


def heeded() -> None:
    """From now on the interruption is known to whoever ends the process, and not told again."""
    _heeded.append(True)


def _is_lost() -> bool:
    """Whether whoever caught the exception has dropped it, as some libraries do."""
    return not _heeded and bool(_told) and _told[-1]() is None


def _ask_later(number: int) -> None:
    from threading import Timer  # not above: until this module is imported, Ctrl-C is a traceback

    def ask() -> None:
        if _is_lost():
            os.kill(os.getpid(), number)
        elif not _heeded:
            _ask_later(number)

    timer = Timer(_LOST_S, ask)
    timer.daemon = True
    timer.start()


def _unraised(lost: sys.UnraisableHookArgs) -> None:
    error = lost.exc_value
    if not isinstance(error, KeyboardInterrupt):
        sys.__unraisablehook__(lost)
        return
    number = signal.Signals[str(error)] if isinstance(error, Terminated) else signal.SIGINT
    if signal.getsignal(number) is _known:
        signal.signal(number, _end)
    from threading import Timer

    Timer(_AGAIN_S, os.kill, (os.getpid(), number)).start()


@contextmanager
def held_back() -> Iterator[None]:
    """Within, Ctrl-C and what ends the process from outside wait; they are heeded at its end.

    Only in the main thread, where they arrive, and only as far as they would raise an exception.
    """
    from threading import current_thread, main_thread  # not above, as Timer

    arrived: list[tuple[int, FrameType | None]] = []
    known = {number: signal.getsignal(number) for number in _ENDING}
    handlers = {number: handler for number, handler in known.items() if callable(handler)}
    if current_thread() is not main_thread():
        handlers = {}

    def wait(number: int, frame: FrameType | None) -> None:
        arrived.append((number, frame))

    for number in handlers:
        signal.signal(number, wait)
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for number, frame in arrived[:1]:
            handlers[number](number, frame)
