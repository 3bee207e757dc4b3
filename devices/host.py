"""Facts about the machine this process runs on, from the kernel's own files (Linux).

What a system does not show is None or left out, never guessed.
"""

from __future__ import annotations

import os
import platform
import re
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from devices.cgroup import cpu_quota
from devices.cpus import choose, read_cpus, read_number, read_sys, siblings
from nasprof.typing import JsonObject

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


def fingerprint() -> JsonObject:
    """What identifies this machine; the same from run to run."""
    cpu = _cpu_info()
    return {
        "cpu": cpu.get("model name") or cpu.get("Model") or platform.processor() or None,
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
        "physical_cores": len({siblings(_CPUS, cpu) for cpu in range(os.cpu_count() or 1)}),
        "max_mhz": max_mhz(0),
        "governor": governor(),
        "memory_mb": _memory_mb(),
        "virtualised": "hypervisor" in cpu.get("flags", "").split(),
        "os": _os_name(),
        "kernel": platform.release(),
    }


def state(cpus: Iterable[int]) -> JsonObject:
    """The machine's condition right now, frequencies those of ``cpus``."""
    mhz = {str(cpu): _khz_as_mhz(_CPUS / f"cpu{cpu}/cpufreq/scaling_cur_freq") for cpu in cpus}
    return {
        "load_average": list(os.getloadavg()),
        "mhz": {cpu: value for cpu, value in mhz.items() if value is not None},
        "governor": governor(),
        "temperature_c": temperatures_c(),
        "throttle_count": throttle_count(),
        "cpu_quota_cores": None if (quota := cpu_quota()) is None else quota.cores,
        "cpus_allowed": len(available_cpus()),
    }


def available_cpus() -> list[int]:
    """CPUs this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def least_loaded(count: int, window_s: float = 0.2) -> tuple[int, ...] | None:
    """The ``count`` CPUs to measure on (:func:`devices.cpus.choose`), by their load right now.

    None if there are not more than that.

    Args:
        window_s: how long to look at their load.
    """
    cpus = available_cpus()
    if count >= len(cpus):
        return None
    before = _busy_ticks()
    time.sleep(window_s)
    ticks = window_s * os.sysconf("SC_CLK_TCK")
    busy = {
        cpu: round((after - before.get(cpu, 0)) / ticks, 1) for cpu, after in _busy_ticks().items()
    }
    return choose(read_cpus(_CPUS, cpus, busy), count)


def governor() -> str | None:
    """Frequency governor of the first CPU."""
    return read_sys(_CPUS / "cpu0/cpufreq/scaling_governor")


def max_mhz(cpu: int) -> float | None:
    """Highest frequency of a CPU."""
    return _khz_as_mhz(_CPUS / f"cpu{cpu}/cpufreq/cpuinfo_max_freq")


def temperatures_c() -> dict[str, float]:
    """Temperature of every thermal zone that can be read, by its type."""
    temperatures: dict[str, float] = {}
    for zone in sorted(Path("/sys/class/thermal").glob("thermal_zone*")):
        kind, value = read_sys(zone / "type"), read_sys(zone / "temp")
        if kind and value and re.fullmatch("-?[0-9]{1,9}", value):
            temperatures.setdefault(kind, int(value) / 1000)
    return temperatures


def throttle_count() -> int | None:
    """How often any core was slowed down for its heat since boot (Intel only)."""
    counts = [
        read_number(path) for path in _CPUS.glob("cpu[0-9]*/thermal_throttle/core_throttle_count")
    ]
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def throttled(before: int | None, after: int | None) -> bool:
    """Whether a core was slowed down between two throttle counts."""
    return before is not None and after is not None and after > before


def _khz_as_mhz(path: Path) -> float | None:
    khz = read_number(path)
    return None if khz is None else khz / 1000


def _cpu_info() -> dict[str, str]:
    lines = (read_sys(Path("/proc/cpuinfo")) or "").splitlines()
    pairs = (line.partition(":") for line in lines)
    return {key.strip(): value.strip() for key, _, value in pairs}


def available_memory(root: Path = Path("/")) -> int | None:
    """Bytes of memory that processes may still take, also within a container's limit.

    Args:
        root: of the file system that holds ``proc`` and ``sys``.
    """
    groups = root / "sys/fs/cgroup"
    free = [
        _memory_kb("MemAvailable", root),
        _left(groups / "memory.max", groups / "memory.current"),
        _left(groups / "memory/memory.limit_in_bytes", groups / "memory/memory.usage_in_bytes"),
    ]
    known = [value for value in (free[0] and free[0] * 1024, *free[1:]) if value is not None]
    return min(known, default=None)


def _left(limit: Path, used: Path) -> int | None:
    """What a control group's limit leaves; None without one."""
    texts = [(read_sys(path) or "").strip() for path in (limit, used)]
    if not all(text.isascii() and text.isdecimal() and len(text) < 20 for text in texts):
        return None
    return max(0, int(texts[0]) - int(texts[1]))


def _memory_mb() -> int | None:
    total = _memory_kb("MemTotal")
    return None if total is None else total // 1024


def _memory_kb(name: str, root: Path = Path("/")) -> int | None:
    for line in (read_sys(root / "proc/meminfo") or "").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    return None


def _os_name() -> str:
    for line in (read_sys(Path("/etc/os-release")) or "").splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip('"')
    return platform.system()


def _busy_ticks() -> dict[int, int]:
    """Ticks each CPU was busy since boot."""
    rows: Sequence[list[str]] = [
        line.split() for line in (read_sys(Path("/proc/stat")) or "").splitlines()
    ]
    return {
        int(row[0][3:]): sum(int(row[i]) for i in (1, 2, 3, 6, 7))
        for row in rows
        if row and row[0].startswith("cpu") and row[0][3:].isdigit()
    }
