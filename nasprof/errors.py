"""The base of every error a user may see."""

from __future__ import annotations

from typing import ClassVar

_LONGEST = 4000
"""Characters of a message."""


class NasprofError(Exception):
    """Something went wrong that the user can understand and act on.

    Args:
        message: what was wrong and what was expected.
        remedy: what to do next; shown on its own line.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, remedy: str | None = None) -> None:
        if len(message) > _LONGEST:  # of a name, perhaps, that somebody else has chosen
            message = f"{message[: _LONGEST - 200]} [...] {message[-190:]}"
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}\n{self.remedy}" if self.remedy else self.message


class UsageError(NasprofError):
    """What the user asked for makes no sense: an unknown name, an invalid file, a bad value."""

    exit_code = 2
