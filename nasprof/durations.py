"""Times as people write them: ``110``, ``110ms``, ``0.11s``, ``30m``."""

from __future__ import annotations

import re
from math import inf, nan

from nasprof.errors import UsageError

_UNITS_MS = {"": 1.0, "ms": 1.0, "us": 1e-3, "s": 1e3}
_UNITS_S = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def parse_milliseconds(value: float | str) -> float:
    """A latency in ms; a number, or text whose unit is ms unless it names another.

    Raises:
        UsageError: it is no time above 0 and below infinity.

    Example:
        >>> parse_milliseconds("0.11s"), parse_milliseconds(12)
        (110.0, 12.0)
    """
    match = re.fullmatch(r"([-+.\de]+) ?(ms|us|s|)", str(value).strip())
    try:
        time_ms = float(match[1]) * _UNITS_MS[match[2]] if match else nan
    except ValueError:
        time_ms = nan
    if not 0 < time_ms < inf:
        raise UsageError(f"{value!r} is no time above 0 like 110, 110ms, 0.11s or 450us")
    return time_ms


def parse_seconds(text: str) -> float:
    """A duration in seconds, written with its unit.

    Raises:
        UsageError: it is no time above 0 and below infinity, or names no unit.

    Example:
        >>> parse_seconds("30m")
        1800.0
    """
    match = re.fullmatch(r"(\d+\.?\d*|\.\d+) ?(s|min|m|h)", text.strip())
    seconds = float(match[1]) * _UNITS_S[match[2]] if match else nan
    if not 0 < seconds < inf:
        raise UsageError(f"{text!r} is no time with its unit like 90s, 30m or 8h")
    return seconds
