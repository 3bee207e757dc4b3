"""The loop that times a model."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

from .annotations import JsonObject
from .models import Model
from .usage import Window


def take_samples(model: Model, warmup: int, runs: int, cpu_clock: Callable[[], int]) -> JsonObject:
    """Run a model ``warmup`` untimed and ``runs`` timed times.

    Args:
        model: with its inputs in place.
        warmup: untimed runs.
        runs: timed runs.
        cpu_clock: CPU time in ns.

    Returns:
        ``wall_ms`` and ``cpu_ms`` of each run, and the ``context``: what else the machine did
        meanwhile, and how long the untimed runs took.
    """
    window = Window()
    collecting = gc.isenabled()
    gc.disable()
    try:
        start = time.perf_counter()
        for _ in range(warmup):
            model.run()
        warmup_s = time.perf_counter() - start
        if model.timer is not None:
            wall_ms, cpu_ms = _by_device_clock(model.timer, runs, cpu_clock)
        else:
            wall_ms, cpu_ms = _by_host_clock(model.run, runs, cpu_clock)
    finally:
        if collecting:
            gc.enable()
    context = {**window.close().to_dict(), "warmup_ms": round(1e3 * warmup_s, 3)}
    return {"wall_ms": wall_ms, "cpu_ms": cpu_ms, "context": context}


def _by_host_clock(
    run: Callable[[], None], runs: int, cpu_clock: Callable[[], int]
) -> tuple[list[float], list[float]]:
    wall_clock = time.perf_counter_ns
    wall, cpu = [0] * runs, [0] * runs
    for i in range(runs):
        # The CPU clock is a system call: it is read outside the span that the wall clock times.
        cpu_start = cpu_clock()
        start = wall_clock()
        run()
        end = wall_clock()
        cpu[i] = cpu_clock() - cpu_start
        wall[i] = end - start
    return [ns / 1e6 for ns in wall], [ns / 1e6 for ns in cpu]


def _by_device_clock(
    timer: Callable[[], float], runs: int, cpu_clock: Callable[[], int]
) -> tuple[list[float], list[float]]:
    wall_ms, cpu = [0.0] * runs, [0] * runs
    for i in range(runs):
        cpu_start = cpu_clock()
        wall_ms[i] = timer()
        cpu[i] = cpu_clock() - cpu_start
    return wall_ms, [ns / 1e6 for ns in cpu]
