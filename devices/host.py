"""Facts about the machine this process runs on, from the kernel's own files (Linux).

What a system does not show is None or left out, never guessed.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

_CPUS = Path("/sys/devices/system/cpu")


def cannot_measure() -> str | None:
    """What measuring on this machine lacks; None if nothing."""
    if sys.platform.startswith(("linux", "android")):
        return None
    name = {"win32": "Windows", "darwin": "macOS"}.get(sys.platform, sys.platform)
    return (
        f"measuring on this machine needs Linux, and this is {name}: it is the Linux kernel that "
        "binds a run to cores and tells what disturbs it"
    )


def fingerprint() -> dict[str, Any]:
    """What identifies this machine; the same from run to run."""
    cpu = _cpu_info()
    return {
        "cpu": cpu.get("model name") or cpu.get("Model") or platform.processor() or None,
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
        "physical_cores": len({siblings(i) for i in range(os.cpu_count() or 1)}),
        "max_mhz": max_mhz(0),
        "governor": governor(),
        "memory_mb": _memory_mb(),
        "virtualised": "hypervisor" in cpu.get("flags", "").split(),
        "os": _os_name(),
        "kernel": platform.release(),
    }


def state(cpus: Iterable[int]) -> dict[str, Any]:
    """The machine's condition right now, frequencies those of ``cpus``."""
    mhz = {str(cpu): _khz_as_mhz(_CPUS / f"cpu{cpu}/cpufreq/scaling_cur_freq") for cpu in cpus}
    return {
        "load_average": list(os.getloadavg()),
        "mhz": {cpu: value for cpu, value in mhz.items() if value is not None},
        "governor": governor(),
        "temperature_c": temperatures_c(),
        "throttle_count": throttle_count(),
    }


def available_cpus() -> list[int]:
    """CPUs this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def least_loaded(count: int, window_s: float = 0.2) -> tuple[int, ...] | None:
    """The ``count`` CPUs to measure on; None if there are not more than that.

    Fastest cores first, then least busy over ``window_s``, then those that share no physical
    core with one already chosen, then high numbers (low ones serve most interrupts).
    """
    cpus = available_cpus()
    if count >= len(cpus):
        return None
    before = _busy_ticks()
    time.sleep(window_s)
    after = _busy_ticks()
    ticks = window_s * os.sysconf("SC_CLK_TCK")
    chosen: list[int] = []

    def rank(cpu: int) -> tuple[float, float, bool, int]:
        busy = round((after.get(cpu, 0) - before.get(cpu, 0)) / ticks, 1)
        shared = siblings(cpu) in {siblings(other) for other in chosen}
        return -(max_mhz(cpu) or 0.0), busy, shared, -cpu

    while len(chosen) < count:
        chosen.append(min(set(cpus) - set(chosen), key=rank))
    return tuple(sorted(chosen))


def siblings(cpu: int) -> str:
    """The physical core of a CPU, as the list of CPUs that share it."""
    return _read(_CPUS / f"cpu{cpu}/topology/thread_siblings_list") or str(cpu)


def governor() -> str | None:
    """Frequency governor of the first CPU."""
    return _read(_CPUS / "cpu0/cpufreq/scaling_governor")


def max_mhz(cpu: int) -> float | None:
    """Highest frequency of a CPU."""
    return _khz_as_mhz(_CPUS / f"cpu{cpu}/cpufreq/cpuinfo_max_freq")


def temperatures_c() -> dict[str, float]:
    """Temperature of every thermal zone that can be read, by its type."""
    found: dict[str, float] = {}
    for zone in sorted(Path("/sys/class/thermal").glob("thermal_zone*")):
        kind, value = _read(zone / "type"), _read(zone / "temp")
        if kind and value and value.lstrip("-").isdigit():
            found.setdefault(kind, int(value) / 1000)
    return found


def throttle_count() -> int | None:
    """How often any core was slowed down for its heat since boot (Intel only)."""
    counts = [_read(path) for path in _CPUS.glob("cpu[0-9]*/thermal_throttle/core_throttle_count")]
    known = [int(count) for count in counts if count and count.isdigit()]
    return sum(known) if known else None


def throttled(before: int | None, after: int | None) -> bool:
    """Whether a core was slowed down between two throttle counts."""
    return before is not None and after is not None and after > before


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def _khz_as_mhz(path: Path) -> float | None:
    text = _read(path)
    return int(text) / 1000 if text and text.isdigit() else None


def _cpu_info() -> dict[str, str]:
    lines = (_read(Path("/proc/cpuinfo")) or "").splitlines()
    pairs = (line.partition(":") for line in lines)
    return {key.strip(): value.strip() for key, _, value in pairs}


def _memory_mb() -> int | None:
    for line in (_read(Path("/proc/meminfo")) or "").splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) // 1024
    return None


def _os_name() -> str:
    for line in (_read(Path("/etc/os-release")) or "").splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip('"')
    return platform.system()


def _busy_ticks() -> dict[int, int]:
    """Ticks each CPU was busy since boot."""
    rows: Sequence[list[str]] = [
        line.split() for line in (_read(Path("/proc/stat")) or "").splitlines()
    ]
    return {
        int(row[0][3:]): sum(int(row[i]) for i in (1, 2, 3, 6, 7))
        for row in rows
        if row and row[0].startswith("cpu") and row[0][3:].isdigit()
    }
