"""How models are to be measured, and who is told what on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from devices import Backend, DeviceError
from nasprof.progress import no_progress
from profiler.measuring.protocol import Protocol
from profiler.measuring.records import Measurement
from profiler.measuring.status import EMPTY, SENTINEL, Status


@dataclass(frozen=True)
class Listeners:
    """Whom to tell what while models are measured.

    Args:
        progress: called after each round.
        completed: called with each measurement as soon as it is complete.
        failed: called with the name of a model that cannot be loaded or run, and why; the others
            are measured. Without it, with a journal, and for the last, that is an error.
    """

    progress: Callable[[Status], None] = no_progress
    completed: Callable[[Measurement], None] = no_progress
    failed: Callable[[str, DeviceError], None] | None = None


@dataclass(frozen=True)
class MeasureRequest:
    """How models are measured on a device.

    Args:
        backend: the device, and runtime, threads, affinity and options.
        protocol: how many runs in how many rounds, and when to stop.
        rng: draws the order of the models in each round.
        sentinel: a model file run in every round, to notice when the device changes its speed.
        empty: a model file that does next to nothing: its time is the framework's overhead.
        listeners: whom to tell what.
        journal: file that keeps every visit; what an earlier run with the same request left there
            is taken up. To be removed when the result is safe.
        patience_s: how long to wait for a device that was lost to come back.
        scout: visit every model twice first, which tells how long all will take.
    """

    backend: Backend
    protocol: Protocol
    rng: np.random.Generator
    sentinel: Path | None = None
    empty: Path | None = None
    listeners: Listeners = field(default_factory=Listeners)
    journal: Path | None = None
    patience_s: float = 0.0
    scout: bool = False

    def references(self) -> dict[str, Path]:
        """Model files that run beside all others, by name."""
        references = {}
        if self.sentinel is not None and self.protocol.sentinel:
            references[SENTINEL] = self.sentinel
        if self.empty is not None:
            references[EMPTY] = self.empty
        return references
