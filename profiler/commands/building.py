"""What ``build-lut`` and ``audit`` show while they work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nasprof.cli import say

if TYPE_CHECKING:
    from profiler.build import Progress


@contextmanager
def building_progress() -> Iterator[Progress]:
    """Tells the estimate on stderr, then draws bars where stderr is a terminal."""
    from profiler.build import Progress
    from profiler.measure import Status
    from profiler.progress import lowering_bar, progress_bar

    with lowering_bar() as lowered, progress_bar() as measuring:
        told = False

        def update(status: Status) -> None:
            nonlocal told
            if not told:
                told = True
                say(
                    f"{status.total} models; measuring will take about "
                    f"{_duration(status.remaining_s)}"
                )
            measuring(status)

        yield Progress(lowered, update)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
