"""Standard output and error that take every character, and say when they cannot be written."""

from __future__ import annotations

import codecs
import io
import os
import sys
from contextlib import suppress

_ERRORS = "nasprof.plain"
_PLAIN = {
    "\N{PLUS-MINUS SIGN}": "+-",
    "\N{MULTIPLICATION SIGN}": "x",
    "\N{DEGREE SIGN}": "",
    "\N{MICRO SIGN}": "u",
    "\N{EN DASH}": "-",
    "\N{HORIZONTAL ELLIPSIS}": "...",
}


def take_every_character() -> None:
    """What an output's encoding lacks is written in ASCII from now on, not refused.

    Bytes of file names that are no text are written as ``\\xe9``.
    """
    codecs.register_error(_ERRORS, _in_ascii)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_ERRORS)


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(map(_plain, lacking)), error.end


def _plain(character: str) -> str:
    if "\udc80" <= character <= "\udcff":
        return f"\\x{ord(character) - 0xDC00:02x}"
    return _PLAIN.get(character, ascii(character)[1:-1])


def flush_output() -> OSError | None:
    """Write out what stdout holds; why that cannot be done.

    In that case the rest is dropped, so that the interpreter does not fail on it once more.
    """
    if sys.stdout is None:
        return None
    try:
        sys.stdout.flush()
    except OSError as error:
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return error
    return None
