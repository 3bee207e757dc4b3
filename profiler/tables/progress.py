"""Whom to tell how far the building of a table has come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from nasprof.progress import no_progress
from profiler.measuring.status import Status


@dataclass(frozen=True)
class BuildProgress:
    """Whom to tell how far building has come.

    Args:
        lowered: how many of how many model files are written.
        measuring: how far measuring has come, after each round.
        done: when it has ended, however it ended.
        estimating: whether every model is visited twice first, to tell how long all will take.
    """

    lowered: Callable[[int, int], None] = no_progress
    measuring: Callable[[Status], None] = no_progress
    done: Callable[[], None] = no_progress
    estimating: bool = True

    @contextmanager
    def until_done(self) -> Iterator[None]:
        """Tells that building has ended when the block inside has."""
        try:
            yield
        finally:
            self.done()
