"""What else was going on while samples were taken: the evidence for contention.

Everything comes from the kernel's own counters; what a system does not show is None.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

MIN_WINDOW_S = 0.2
"""Shortest time over which the kernel's 10 ms ticks tell the load to 0.05 cores."""


class Window:
    """Counters between two moments, opened when made."""

    def __init__(self) -> None:
        self._start = _Counters()

    @property
    def elapsed_s(self) -> float:
        """Seconds since it was opened."""
        return time.perf_counter() - self._start.wall_s

    def close(self) -> dict[str, Any]:
        """What happened since it was opened.

        ``other_cores`` and ``steal_cores`` are the load of other processes and of other virtual
        machines, in cores, None if the window is shorter than :data:`MIN_WINDOW_S`.
        ``run_delay_ms`` is how long this process's threads were ready but had to wait for a core.
        """
        start, end = self._start, _Counters()
        elapsed = end.wall_s - start.wall_s
        own = end.cpu_s - start.cpu_s
        busy = _difference(start.busy_s, end.busy_s) if elapsed >= MIN_WINDOW_S else None
        steal = _difference(start.steal_s, end.steal_s) if elapsed >= MIN_WINDOW_S else None
        delay = _difference(start.delay_s, end.delay_s)
        return {
            "elapsed_ms": round(1e3 * elapsed, 3),
            "own_cores": round(own / elapsed, 3),
            "other_cores": None if busy is None else round(max(0.0, busy - own) / elapsed, 3),
            "steal_cores": None if steal is None else round(steal / elapsed, 3),
            "run_delay_ms": None if delay is None else round(1e3 * delay, 3),
            "involuntary_switches": end.switches - start.switches,
        }


class _Counters:
    def __init__(self) -> None:
        self.busy_s, self.steal_s = _machine_seconds()
        self.delay_s = _run_delay_s()
        self.switches = _involuntary_switches()
        self.cpu_s = time.process_time()
        self.wall_s = time.perf_counter()


def _difference(start: float | None, end: float | None) -> float | None:
    return None if start is None or end is None else end - start


def _machine_seconds() -> tuple[float | None, float | None]:
    """Seconds all CPUs together were busy, and stolen by the hypervisor, since boot."""
    try:
        line = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0]
        fields = [int(field) for field in line.split()[1:]]
    except (OSError, ValueError, IndexError):
        return None, None
    tick = 1.0 / os.sysconf("SC_CLK_TCK")
    user, nice, system, _idle, _iowait, irq, softirq, steal = (fields + [0] * 8)[:8]
    return (user + nice + system + irq + softirq) * tick, steal * tick


def _run_delay_s() -> float | None:
    """Seconds the threads alive have waited for a core since they began."""
    total = 0
    try:
        for thread in Path("/proc/self/task").iterdir():
            total += int((thread / "schedstat").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return total / 1e9


def _involuntary_switches() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw
