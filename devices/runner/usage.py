"""What else was going on while samples were taken: the evidence for contention.

Everything comes from the kernel's own counters; what a system does not show is None.
"""

from __future__ import annotations

import os
import time

from .annotations import JsonObject

MIN_WINDOW_S = 0.2
"""Shortest time over which the kernel's 10 ms ticks tell the load to 0.05 cores."""


class Usage:
    """What the machine did in some time; times of several spans add up.

    Args:
        elapsed_s: how long it was.
        own_s: CPU time of this process.
        busy_s: time that all CPUs together were busy.
        steal_s: time that the hypervisor gave to others.
        delay_s: time that this process's threads were ready but had to wait for a core.
        switches: how often this process was interrupted for another.
    """

    def __init__(
        self,
        elapsed_s: float,
        own_s: float,
        busy_s: float | None,
        steal_s: float | None,
        delay_s: float | None,
        switches: int,
    ) -> None:
        self.elapsed_s, self.own_s = elapsed_s, own_s
        self.busy_s, self.steal_s, self.delay_s = busy_s, steal_s, delay_s
        self.switches = switches

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.elapsed_s + other.elapsed_s,
            self.own_s + other.own_s,
            _sum(self.busy_s, other.busy_s),
            _sum(self.steal_s, other.steal_s),
            _sum(self.delay_s, other.delay_s),
            self.switches + other.switches,
        )

    def to_dict(self) -> JsonObject:
        """As in the protocol: loads in cores.

        ``other_cores`` and ``steal_cores`` are the load of other processes and of other virtual
        machines, None if the time was shorter than :data:`MIN_WINDOW_S`.
        """
        long_enough = self.elapsed_s >= MIN_WINDOW_S
        busy, steal = (self.busy_s, self.steal_s) if long_enough else (None, None)
        other = None if busy is None else max(0.0, busy - self.own_s)
        return {
            "elapsed_ms": round(1e3 * self.elapsed_s, 3),
            "own_cores": round(self.own_s / self.elapsed_s, 3),
            "other_cores": None if other is None else round(other / self.elapsed_s, 3),
            "steal_cores": None if steal is None else round(steal / self.elapsed_s, 3),
            "run_delay_ms": None if self.delay_s is None else round(1e3 * self.delay_s, 3),
            "involuntary_switches": self.switches,
        }


class Window:
    """Counters between two moments, opened when made."""

    def __init__(self) -> None:
        self._start = _Counters()

    @property
    def elapsed_s(self) -> float:
        """Seconds since it was opened."""
        return time.perf_counter() - self._start.wall_s

    def close(self) -> Usage:
        """What happened since it was opened."""
        start, end = self._start, _Counters()
        return Usage(
            end.wall_s - start.wall_s,
            end.cpu_s - start.cpu_s,
            _difference(start.busy_s, end.busy_s),
            _difference(start.steal_s, end.steal_s),
            _difference(start.delay_s, end.delay_s),
            end.switches - start.switches,
        )


class Recent:
    """Rounds that are too short to tell the load, taken together with those before them.

    What happens between rounds, when nothing is timed, is left out.
    """

    def __init__(self) -> None:
        self._spans: list[Usage] = []

    def close(self, window: Window) -> Usage:
        """The window's usage, and with it that of as many earlier ones as it takes.

        The first round, which has none before it, is drawn out until it is long enough.
        """
        known = sum(span.elapsed_s for span in self._spans) + window.elapsed_s
        if known < MIN_WINDOW_S:
            time.sleep(1.01 * (MIN_WINDOW_S - known))
        total = window.close()
        self._spans.append(total)
        kept = 1
        for span in reversed(self._spans[:-1]):
            if total.elapsed_s >= MIN_WINDOW_S:
                break
            total = total + span
            kept += 1
        self._spans = self._spans[-kept:]
        return total


class _Counters:
    def __init__(self) -> None:
        self.busy_s, self.steal_s = _machine_seconds()
        self.delay_s = _run_delay_s()
        self.switches = _involuntary_switches()
        self.cpu_s = time.process_time()
        self.wall_s = time.perf_counter()


def _difference(start: float | None, end: float | None) -> float | None:
    return None if start is None or end is None else end - start


def _sum(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else first + second


def _machine_seconds() -> tuple[float | None, float | None]:
    """Seconds all CPUs together were busy, and stolen by the hypervisor, since boot."""
    try:
        fields = [int(field) for field in _read("/proc/stat").partition(b"\n")[0].split()[1:]]
    except (OSError, ValueError, IndexError):
        return None, None
    tick = 1.0 / os.sysconf("SC_CLK_TCK")
    user, nice, system, _idle, _iowait, irq, softirq, steal = (fields + [0] * 8)[:8]
    return (user + nice + system + irq + softirq) * tick, steal * tick


def _run_delay_s() -> float | None:
    """Seconds the threads alive have waited for a core since they began."""
    total = 0
    try:
        for thread in os.listdir("/proc/self/task"):  # noqa: PTH208
            total += int(_read(f"/proc/self/task/{thread}/schedstat").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return total / 1e9


def _read(path: str) -> bytes:
    """The beginning of a small file; not by pathlib, which costs more than the kernel here."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.read(descriptor, 512)
    finally:
        os.close(descriptor)


def _involuntary_switches() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw
