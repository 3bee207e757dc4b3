"""Saying how fast a device is."""

from __future__ import annotations

from nasprof.typing import JsonObject


def said(speed: JsonObject) -> str:
    """A speed, as JSON has it, in words."""
    if speed["of"] == "table":
        return "latencies are at the table's speed"
    return (
        f"today's speed: {speed['factor']:.3f} of the table's times "
        f"({speed['low']:.3f} to {speed['high']:.3f})"
    )
