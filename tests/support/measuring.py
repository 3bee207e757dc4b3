"""Measuring in tests, in one call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from devices import Backend, Device, RunSettings
from profiler.measuring.measure import measure_files
from profiler.measuring.protocol import Protocol
from profiler.measuring.records import Measurement
from profiler.measuring.request import Listeners, MeasureRequest
from profiler.model_files.model_file import ModelFile

LISTENERS = ("progress", "completed", "failed")


def measure(
    device: Device,
    settings: RunSettings,
    files: Sequence[ModelFile],
    protocol: Protocol,
    rng: np.random.Generator,
    **options: Any,
) -> list[Measurement]:
    """Measure files; options are those of listeners and of requests."""
    told: dict[str, Callable[..., None]] = {
        name: options.pop(name) for name in LISTENERS if name in options
    }
    request = MeasureRequest(
        Backend(device, settings), protocol, rng, listeners=Listeners(**told), **options
    )
    return measure_files(files, request)
