"""Progress of long work, where nobody follows it."""

from __future__ import annotations


def no_progress(*_: object) -> None:
    """In the place of a function that is told how far work has come."""
