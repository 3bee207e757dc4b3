"""The CPU time that a container may use, from the kernel's control groups (versions 1 and 2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from devices.cpus import read_sys


@dataclass(frozen=True)
class CpuQuota:
    """The CPU time that this process and those in its groups may use together.

    Args:
        cores: how much, in cores.
        stops: in how many periods they were stopped for it since the groups were made.
    """

    cores: float
    stops: int


def cpu_quota(root: Path = Path("/")) -> CpuQuota | None:
    """The tightest quota of this process's groups; None without one.

    Args:
        root: of the file system that holds ``proc`` and ``sys``.
    """
    quotas = [quota for group in _groups(root) if (quota := _quota(group)) is not None]
    if not quotas:
        return None
    return CpuQuota(min(quota.cores for quota in quotas), sum(quota.stops for quota in quotas))


def _groups(root: Path) -> Iterator[Path]:
    """Folders of the groups of this process that may have a quota, innermost first."""
    mounted = root / "sys/fs/cgroup"
    for line in (read_sys(root / "proc/self/cgroup") or "").splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if controllers and "cpu" not in controllers.split(","):
            continue
        names = (controllers, "cpu") if controllers else ("", "unified")
        base = next((mounted / name for name in names if (mounted / name).is_dir()), None)
        if base is None:
            continue
        # Seen from inside a container, the path may be one of the machine outside.
        inner = PurePosixPath(path.lstrip("/"))
        if ".." not in inner.parts:
            yield from (base / part for part in (inner, *inner.parents) if part.parts)
        yield base


def _quota(group: Path) -> CpuQuota | None:
    text = read_sys(group / "cpu.max")
    if text is None:
        parts = [read_sys(group / f"cpu.cfs_{name}_us") or "" for name in ("quota", "period")]
    else:
        parts = text.split()
    if len(parts) != 2 or not all(_is_number(part) for part in parts):
        return None  # "max", "-1": none
    quota_us, period_us = map(int, parts)
    return CpuQuota(quota_us / period_us, _stops(group)) if quota_us and period_us else None


def _stops(group: Path) -> int:
    for line in (read_sys(group / "cpu.stat") or "").splitlines():
        name, _, number = line.partition(" ")
        if name == "nr_throttled" and _is_number(number):
            return int(number)
    return 0


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19
