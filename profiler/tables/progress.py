"""Whom to tell how far the building of a table has come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from profiler.measuring.status import Status


def _nothing(*_: object) -> None:
    """Whom nothing is told."""


@dataclass(frozen=True)
class BuildProgress:
    """Whom to tell how far building has come.

    Args:
        lowered: how many of how many model files are written.
        measuring: how far measuring has come, after each round.
        done: when it has ended, however it ended.
        estimating: whether every model is visited twice first, to tell how long all will take.
    """

    lowered: Callable[[int, int], None] = _nothing
    measuring: Callable[[Status], None] = _nothing
    done: Callable[[], None] = _nothing
    estimating: bool = True

    @contextmanager
    def until_done(self) -> Iterator[None]:
        """Tells that building has ended when the block inside has."""
        try:
            yield
        finally:
            self.done()
