"""Text that a device or a program sent: it may hold anything, and is read within limits.

What is not what it should be is None or left out, and never an error of Python's: the callers
either do without it, as of a device that does not tell, or say what they miss.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator

from devices.cpus import parse_cpus
from nasprof.errors import UsageError

MAX_TEXT = 200
"""Characters of what is shown, or kept as a fact."""

MAX_LINE = 4096
"""Characters of a line that is looked into; longer ones are none of those that are known."""

MAX_TIME_MS = 1e8
"""Milliseconds (a day) above which a time is none."""

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,30}\.?[0-9]{0,30}|\.[0-9]{1,30})(?:[eE][+-]?[0-9]{1,3})?")
_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])?"
    r"|\x9b[0-?]*[ -/]*[@-~]"
)


def printable(text: str, instead: str = "�") -> str:
    """The text without terminal escapes, and with something else for what cannot be shown.

    What is left out of a number would make another one of it.
    """
    text = text.strip("\0\r")
    if text.isprintable():
        return text
    plain = _ESCAPES.sub("", text)
    return "".join(character if _shown(character) else instead for character in plain)


def _shown(character: str) -> bool:
    if character.isprintable() or character == "\t":
        return True
    return unicodedata.category(character) == "Zs"


def clean(text: str, limit: int = MAX_TEXT) -> str:
    """What may be shown to people of a text: printable, on one line, at most ``limit`` long."""
    # What is left out of a very long text was not going to be shown.
    words = " ".join(printable(line, "") for line in text[: 8 * limit].splitlines())
    words = " ".join(words.split())
    return words if len(words) <= limit else words[: limit - 1] + "…"


def lines_of(text: str) -> Iterator[str]:
    """The lines that may be looked into, printable; those longer than :data:`MAX_LINE` are not."""
    for line in text.split("\n"):
        if len(line) <= MAX_LINE:
            yield printable(line)


def whole(text: str, lowest: int = 0, highest: int = 2**53) -> int | None:
    """The decimal integer that a text is, if it is one from ``lowest`` to ``highest``.

    Args:
        text: of digits, perhaps with a sign.
        lowest: that it may be.
        highest: that it may be.
    """
    text = text.strip()
    if not _WHOLE.fullmatch(text):
        return None
    value = int(text)
    return value if lowest <= value <= highest else None


def number(text: str, lowest: float = 0.0, highest: float = 1e15) -> float | None:
    """The decimal number that a text is, if it is a finite one from ``lowest`` to ``highest``.

    Args:
        text: of digits, perhaps with a sign and a point.
        lowest: that it may be.
        highest: that it may be.
    """
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if math.isfinite(value) and lowest <= value <= highest else None


def cores_of(text: str) -> frozenset[int] | None:
    """Core numbers of a list such as ``0-3,7``; None if it is none, or of too many cores."""
    if len(text) > MAX_LINE:
        return None
    try:
        return frozenset(parse_cpus(text))
    except UsageError:
        return None
