"""Ending with the process that started the runner, however that ends."""

from __future__ import annotations

import os
import select
import signal
import threading
import time

_GRACE_S = 1.0


def end_with_parent() -> None:
    """End this process and those it started soon after its stdin, a pipe, is closed.

    Otherwise a runner whose parent was killed would first do all that it was asked to. Where all
    processes are told to end together (``systemd``, ``scancel``), the parent ends this one when it
    has kept what it has.
    """
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    if hasattr(select, "poll"):
        threading.Thread(target=_watch, daemon=True).start()


def _watch() -> None:
    other_end = select.poll()
    other_end.register(0, 0)
    other_end.poll()
    time.sleep(_GRACE_S)
    os.killpg(0, signal.SIGKILL)
