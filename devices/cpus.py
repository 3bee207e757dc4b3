"""Lists of CPUs, and which of a machine's CPUs to measure on.

A CPU is what the system counts as one: a hardware thread. Those that share a physical core are
siblings, and slow each other down.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from nasprof.errors import UsageError
from nasprof.reader import brief

MAX_CPUS = 8192
"""CPU numbers end below this, as they do in Linux."""

ABOUT_AS_FAST = 0.9
"""Share of the next higher speed below which another sort of cores begins. Preferred cores of one
sort differ by steps of up to 9 %, performance and efficiency cores by 11 % and more."""

_BUSY = 0.2
"""Load from which a core is taken only after the idle ones that are about as fast."""


def parse_cpus(text: str, what: str = "affinity") -> tuple[int, ...]:
    """CPU numbers written as ``0,2`` or ``4-7``, in order and without repetition.

    Args:
        what: name of the list, for the message.

    Raises:
        UsageError: it is no such list, or a number is not below :data:`MAX_CPUS`.
    """
    cpus: set[int] = set()
    for part in text.strip().split(","):
        # No more digits than MAX_CPUS has: Python refuses to read numbers of thousands of them.
        match = re.fullmatch(r"([0-9]{1,4})(?:-([0-9]{1,4}))?", part.strip())
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, -1)
        if not first <= last < MAX_CPUS:
            raise UsageError(
                f"{what} is {brief(text)}, expected CPU numbers below {MAX_CPUS} like 0,2 or 4-7"
            )
        cpus.update(range(first, last + 1))
    return tuple(sorted(cpus))


@dataclass(frozen=True)
class Cpu:
    """A CPU that may be used.

    Args:
        core: numbers of all CPUs of its physical core, itself among them.
        speed: in any unit that is the same for all of them; 0 where it is not known.
        busy: load of its core, in CPUs.
    """

    number: int
    core: tuple[int, ...]
    speed: float = 0.0
    busy: float = 0.0


def choose(cpus: Sequence[Cpu], count: int) -> tuple[int, ...]:
    """The numbers of the ``count`` CPUs to measure on.

    As many physical cores as there are, siblings only when these have run out. Of the cores,
    those about as fast as the best come first; of these the idle ones, the fastest of them, and
    then high numbers (low ones serve most interrupts).
    """
    tiers = _tiers({cpu.speed for cpu in cpus})
    left, chosen = list(cpus), list[Cpu]()

    def rank(cpu: Cpu) -> tuple[float, ...]:
        used = sum(other.core == cpu.core for other in chosen)
        return used, tiers[cpu.speed], cpu.busy >= _BUSY, -cpu.speed, cpu.busy, -cpu.number

    while left and len(chosen) < count:
        best = min(left, key=rank)
        left.remove(best)
        chosen.append(best)
    return tuple(sorted(cpu.number for cpu in chosen))


def _tiers(speeds: set[float]) -> dict[float, int]:
    """The sort of cores that each speed belongs to; 0 the fastest."""
    ordered = sorted(speeds, reverse=True)
    tiers = dict.fromkeys(ordered[:1], 0)
    for above, speed in pairwise(ordered):
        tiers[speed] = tiers[above] + (speed < ABOUT_AS_FAST * above)
    return tiers


def read_cpus(root: Path, numbers: Sequence[int], busy: Mapping[int, float]) -> list[Cpu]:
    """What the kernel tells of CPUs.

    Args:
        root: ``/sys/devices/system/cpu``.
        numbers: CPUs that may be used.
        busy: load of every CPU of the machine, siblings that may not be used among them.
    """
    # A core's capacity counts its work per cycle as well as its frequency; only some systems
    # tell it, and the two cannot be compared.
    capacities = {cpu: read_number(root / f"cpu{cpu}/cpu_capacity") for cpu in numbers}
    speeds = (
        capacities
        if all(capacities.values())
        else {cpu: read_number(root / f"cpu{cpu}/cpufreq/cpuinfo_max_freq") for cpu in numbers}
    )
    cpus = []
    for number in numbers:
        core = siblings(root, number)
        load = sum(busy.get(cpu, 0.0) for cpu in core)
        cpus.append(Cpu(number, core, float(speeds[number] or 0), load))
    return cpus


def siblings(root: Path, cpu: int) -> tuple[int, ...]:
    """The CPUs that share this one's physical core, itself among them."""
    for name in ("core_cpus_list", "thread_siblings_list"):
        text = read_sys(root / f"cpu{cpu}/topology/{name}")
        try:
            core = parse_cpus(text or "", name)
        except UsageError:
            continue
        if cpu in core:
            return core
    return (cpu,)


def read_sys(path: Path) -> str | None:
    """The text of one of the kernel's small files; None where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def read_number(path: Path) -> int | None:
    """The whole number in one of the kernel's small files; None where there is none."""
    text = read_sys(path)
    return int(text) if text and re.fullmatch("[0-9]{1,18}", text) else None
