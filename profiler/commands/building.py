"""What ``build-lut`` and ``audit`` show while they work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
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

    # One bar at a time: two would write over each other.
    with ExitStack() as bars:
        lowered = bars.enter_context(lowering_bar())
        measuring: Callable[[Status], None] | None = None

        def update(status: Status) -> None:
            nonlocal measuring
            if measuring is None:
                bars.close()
                left = _duration(status.remaining_s)
                say(f"{status.total} models; measuring will take about {left}")
                measuring = bars.enter_context(progress_bar())
            measuring(status)

        yield Progress(lowered, update)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
