"""What commands show while tables are built and networks measured for them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from nasprof.cli import say

if TYPE_CHECKING:
    from profiler.measuring.status import Status
    from profiler.tables.progress import BuildProgress


def building_progress() -> BuildProgress:
    """Tells the estimate on stderr, then draws bars where stderr is a terminal."""
    from profiler.tables.progress import BuildProgress

    bars = _Bars()
    return BuildProgress(bars.lowered, bars.measuring, bars.done)


class _Bars:
    """One bar at a time: two would write over each other."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._lowered: Callable[[int, int], None] | None = None
        self._measuring: Callable[[Status], None] | None = None

    def lowered(self, done: int, total: int) -> None:
        from profiler.commands.progress import lowering_bar

        if self._lowered is None:
            self._lowered = self._open.enter_context(lowering_bar())
        self._lowered(done, total)

    def measuring(self, status: Status) -> None:
        from profiler.commands.progress import progress_bar

        if self._measuring is None:
            self._open.close()
            left = _duration(status.remaining_s)
            say(f"{status.total} models; measuring will take about {left}")
            self._measuring = self._open.enter_context(progress_bar())
        self._measuring(status)

    def done(self) -> None:
        self._open.close()
        self._lowered = self._measuring = None


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
