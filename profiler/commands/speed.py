"""Saying how fast a device is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def said(speed: Mapping[str, Any]) -> str:
    """A speed, as JSON has it, in words."""
    if speed["of"] == "table":
        return "latencies are at the table's speed"
    return (
        f"today's speed: {speed['factor']:.3f} of the table's times "
        f"({speed['low']:.3f} to {speed['high']:.3f})"
    )
