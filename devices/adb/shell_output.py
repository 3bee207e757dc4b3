"""What a shell command wrote, and how it ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from devices.errors import RunnerCrashed
from devices.foreign import printable, whole

MAX_OUTPUT = 64 << 20
"""Bytes of output without progress after which a command is taken for a runaway."""

MAX_ANSWER = 8 << 20
"""Bytes of output of a command that tells something."""

MAX_LINES = 500_000
"""Lines of output, likewise."""


@dataclass(frozen=True)
class ShellResult:
    """What a command wrote (stdout and stderr are one stream) and how it ended.

    What was taken for progress, and what came before it, is left out of ``output``.
    """

    output: str
    exit_code: int


class Shell(Protocol):
    """What runs commands on a device."""

    def shell(self, command: str, timeout_s: float = 10.0) -> ShellResult:
        """Run a shell command to its end."""


class OutputReader:
    """Collects a command's output, as far as it can be shown, up to the line with its exit code.

    Args:
        marker: what that line begins with.
        on_line: told of each line; tells whether it means progress.
        limit: bytes without progress.
    """

    def __init__(
        self, marker: str, on_line: Callable[[str], bool] | None, limit: int = MAX_OUTPUT
    ) -> None:
        self.lines: list[str] = []
        self.exit_code: int | None = None
        self._marker = marker
        self._on_line = on_line
        self._limit = min(limit, MAX_OUTPUT)
        self._rest = bytearray()
        self._size = 0

    def feed(self, chunk: bytes) -> bool:
        """Take in a chunk; True if ``on_line`` saw progress."""
        self._size += len(chunk)
        if self._size > self._limit or len(self.lines) > MAX_LINES:
            raise RunnerCrashed(
                f"the command wrote more than {self._limit >> 20} MB or {MAX_LINES} lines; "
                "it was stopped",
                "Is it the program you meant to run?",
            )
        self._rest += chunk
        if b"\n" not in chunk:
            return False
        *lines, self._rest = self._rest.split(b"\n")
        progress = [self._line(printable(line.decode("utf-8", "replace"))) for line in lines]
        if any(progress):
            self._size = len(self._rest)
        return any(progress)

    def _line(self, line: str) -> bool:
        if self.exit_code is not None:
            return False
        text, marker, code = line.partition(self._marker)
        if marker:
            self.exit_code = whole(code, 0, 255)
            if not text:
                return self.exit_code is not None
        if self._on_line is not None and self._on_line(text):
            # A round may last for an hour.
            self.lines.clear()
            return True
        self.lines.append(text)
        return False


class ListenerFailed(BaseException):
    """What is told of the output failed: no fault of the device, so not taken for one."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


def kept_apart(on_line: Callable[[str], bool]) -> Callable[[str], bool]:
    """The same listener, whose errors pass through an exchange as they are."""

    def told(line: str) -> bool:
        try:
            return on_line(line)
        except Exception as error:
            raise ListenerFailed(error) from error

    return told
