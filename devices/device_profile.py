"""A device as its user describes it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from nasprof.typing import JsonObject

MAX_THREADS = 4096
MAX_SECONDS = 1e6
"""Longest time that a profile may let something wait: systems count ms in 32 bits."""


@dataclass(frozen=True)
class Profile:
    """A device as its user describes it.

    Args:
        name: what the user calls it; the file's name without ``.toml``.
        kind: which implementation handles it ("cpu", "gpu", "adb").
        description: one line for people.
        runtime: runtime used unless another is asked for.
        threads: threads used unless another number is asked for.
        affinity: CPU numbers to run on; None lets the device choose.
        protocol: how to measure on it unless told otherwise, see ``profiler.measuring.protocol``.
        table_protocol: likewise, when a lookup table is built.
        options: everything else in the file: what only this kind of device understands.
        source: the file it was read from.
    """

    name: str
    kind: str
    description: str = ""
    runtime: str = "onnxruntime"
    threads: int = 1
    affinity: tuple[int, ...] | None = None
    protocol: str = "adaptive"
    table_protocol: str = "table"
    options: JsonObject = field(default_factory=dict)
    source: str = ""

    def with_options(self, **options: Any) -> Profile:
        """A copy with some options replaced; those given as None are left as they are."""
        changes = {name: value for name, value in options.items() if value is not None}
        return replace(self, options=self.options | changes)
