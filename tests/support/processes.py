"""Waiting for what other processes do."""

from __future__ import annotations

import time
from pathlib import Path


def alive(pid):
    """Whether there is such a process, and it is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def until(condition, process=None, limit_s=100.0):
    """Wait for what must come, from a process that must not end before; what it is."""
    end = time.monotonic() + limit_s
    while not (found := condition()):
        if process is not None and process.poll() is not None:
            raise AssertionError(process.stderr.read().decode())
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.01)
    return found
