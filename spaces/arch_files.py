"""Files of architectures as they are found in the field.

JSON, one or a list; a value a line; a Python dict, tuple or list as ``print`` writes it; a bare
string (PNAG's, NAT's, NAS-Bench-201's); NSGANetV2's archive ``{"archive": [[arch, error, cost],
...]}``. What an architecture may look like, each space knows (:meth:`spaces.Space.recognise`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nasprof.errors import UsageError
from nasprof.reading import parse_json, read_text
from spaces.base import Arch, Space, parse_arch, spaces
from spaces.python_literal import looks_like_python, parse_literal

MAX_ARCHS = 10_000
"""In one file."""

_EXPECTED = "an architecture as JSON"


def read_archs(path: Path) -> list[tuple[Space, Arch]]:
    """The architectures in a file, one or more.

    Raises:
        UsageError: naming the file and what is wrong in it.
    """
    text = read_text(path, _EXPECTED).strip()
    if not text:
        raise UsageError(f"{path} is empty", f"Expected {_EXPECTED}.")
    items = _items(_value(text, path))
    if len(items) > MAX_ARCHS:
        raise UsageError(
            f"{path} holds {len(items):,} architectures, expected at most {MAX_ARCHS:,}",
            "Split it, and go through the parts one after the other.",
        )
    try:
        return [parse_arch(item) for item in items]
    except UsageError as error:
        raise UsageError(f"{path}: {error.message}", error.remedy) from error


def _value(text: str, path: Path) -> Any:
    """What the text says: a value, or a list of the values on its lines."""
    try:
        return _single(text, path)
    except UsageError as error:
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        if len(lines) == 1:
            raise
        try:
            return [_single(line, path) for line in lines]
        except UsageError:
            raise error from None


def _single(text: str, path: Path) -> Any:
    if _is_bare(text):
        return text if len(text) > _LONGEST_NUMBER or not text.isdecimal() else int(text)
    parse: Callable[[str, Path], Any] = parse_literal if looks_like_python(text) else parse_json
    return parse(text, path)


_LONGEST_NUMBER = 9
_PRINTED_ARRAY = re.compile(r"\[\s*\d+(?:\s+\d+)+\s*\]")


def _is_bare(text: str) -> bool:
    """Whether the text is a string without quotes: a line from a digit or bar on, or an array."""
    line = (text[0] == "|" or text[0].isdecimal()) and "\n" not in text
    return line or _PRINTED_ARRAY.fullmatch(text) is not None


def _items(value: Any) -> list[Any]:
    """The architectures in a file's value, in order."""
    if isinstance(value, dict) and isinstance(value.get("archive"), list):
        return [_member(item) for item in value["archive"]]
    if not isinstance(value, list | tuple) or _is_arch(value):
        return [value]
    return [_member(item) for item in value]


def _is_arch(value: list[Any] | tuple[Any, ...]) -> bool:
    """Whether a list is one architecture, not several."""
    return any(spaces.get(name).recognise(value) is not None for name in spaces)


def _member(item: Any) -> Any:
    """The architecture of a member of NSGANetV2's archive: ``[arch, error, cost]``."""
    if isinstance(item, list | tuple) and len(item) > 1:
        arch, *values = item
        numbers = all(type(value) in (int, float) and math.isfinite(value) for value in values)
        if numbers and isinstance(arch, dict | list | tuple | str):
            return arch
    return item
