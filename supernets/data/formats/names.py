"""Names of classes, as they come from folders and tables."""

from __future__ import annotations

import unicodedata

from nasprof.errors import UsageError
from nasprof.reader import brief

MAX_LENGTH = 200


def class_name(name: str) -> str:
    """A class's name if it can be written in a line, in Unicode's composed form.

    Raises:
        UsageError: it is empty or very long, or has line breaks, control characters or bytes that
            are no text.
    """
    composed = unicodedata.normalize("NFC", name.strip())
    if not composed or len(composed) > MAX_LENGTH or not composed.isprintable():
        raise UsageError(
            f"a class cannot be called {brief(name)}: expected text of at most {MAX_LENGTH} "
            "characters without line breaks and control characters",
            "Rename it.",
        )
    return composed
