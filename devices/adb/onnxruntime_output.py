"""What ``onnxruntime_perf_test`` prints, in its older and newer wording."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from devices.errors import RunnerRefused
from devices.foreign import MAX_TIME_MS, lines_of, number, whole


@dataclass(frozen=True)
class PerfTestResult:
    """One invocation of ``onnxruntime_perf_test``; None is what was not printed.

    Args:
        mean_ms: mean time of one inference.
        count: number of inferences.
        session_ms: time to create the session.
        min_ms: fastest inference.
        max_ms: slowest inference.
        percentiles_ms: by percent (99.9 for what is printed as P999).
        cpu_percent: average CPU usage.
        peak_memory_mb: peak working set.
    """

    mean_ms: float
    count: int
    session_ms: float | None = None
    min_ms: float | None = None
    max_ms: float | None = None
    percentiles_ms: dict[float, float] = field(default_factory=dict)
    cpu_percent: float | None = None
    peak_memory_mb: float | None = None


def parse_perf_test(text: str) -> PerfTestResult:
    """The result in the output of ``onnxruntime_perf_test``.

    Args:
        text: what it printed.

    Raises:
        RunnerRefused: there is no measurement in it.

    >>> printed = "Average inference time cost: 3.25 ms\\nTotal inference requests: 400\\n"
    >>> parse_perf_test(printed).mean_ms
    3.25
    """
    text = "\n".join(lines_of(text))
    mean = _number(text, r"Average (?:inference )?time cost: {} ms")
    count = _found(text, r"Total (?:inference requests|iterations): {}")
    runs = None if count is None else whole(count, 1, 10**12)
    if mean is None or runs is None:
        raise RunnerRefused(
            "onnxruntime_perf_test printed no measurement",
            "It failed, its output is cut off, or the program is another one.",
        )
    session_s = _number(text, r"Session creation time cost: {} s")
    lowest_s = _number(text, r"Min Latency(?: is|:) {} s")
    highest_s = _number(text, r"Max Latency(?: is|:) {} s")
    peak = _number(text, r"Peak working set size: {} bytes", 1e18)
    latencies = re.findall(r"^P([0-9]{1,4}) Latency(?: is|:) (\S+) s", text, re.M)
    percentiles_ms = {
        _percent(digits): _ms(number(value, 0, MAX_TIME_MS)) for digits, value in latencies
    }
    return PerfTestResult(
        mean_ms=mean,
        count=runs,
        session_ms=_ms(session_s),
        min_ms=_ms(lowest_s),
        max_ms=_ms(highest_s),
        percentiles_ms={percent: ms for percent, ms in percentiles_ms.items() if ms is not None},
        cpu_percent=_number(text, r"Avg CPU usage: {} %", 1e6),
        peak_memory_mb=None if peak is None else peak / 2**20,
    )


def _found(text: str, pattern: str) -> str | None:
    match = re.search("^.*" + pattern.replace("{}", r"(\S+)"), text, re.M)
    return match[1] if match else None


def _number(text: str, pattern: str, highest: float = MAX_TIME_MS) -> float | None:
    digits = _found(text, pattern)
    return None if digits is None else number(digits, 0, highest)


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else 1e3 * seconds


def _percent(digits: str) -> float:
    return float(digits) if len(digits) < 3 else float(f"{digits[:2]}.{digits[2:]}")
