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

    Otherwise a runner whose parent was killed would first do all that it was asked to.
    """
    if hasattr(select, "poll"):
        threading.Thread(target=_watch, daemon=True).start()


def _watch() -> None:
    other_end = select.poll()
    other_end.register(0, 0)
    other_end.poll()
    time.sleep(_GRACE_S)
    os.killpg(0, signal.SIGKILL)
