"""TOML, and values of other formats, as JSON has them."""

from __future__ import annotations

import re
import tomllib
from math import isfinite
from pathlib import Path

from nasprof.errors import UsageError
from nasprof.reader import brief
from nasprof.reading import MAX_DEPTH, MAX_DIGITS, MAX_NAME, MAX_STRING
from nasprof.typing import JsonObject

MAX_TOML = 32 << 10
"""Characters: the parser takes time with the square of some of them."""
_DOTTED = re.compile(rf"(?:[^.\n=]{{0,40}}\.){{{MAX_DEPTH}}}")
"""A name of so many parts that the parser would take a gigabyte for it."""


def parse_toml(text: str, source: Path | str) -> JsonObject:
    """The table in ``text``, of values that JSON has too.

    Raises:
        UsageError: naming ``source`` and what is wrong.
    """
    if len(text) > MAX_TOML:
        raise UsageError(
            f"{source} has {len(text):,} characters, expected at most {MAX_TOML:,}",
            "Is it the file that was meant? A profile has some lines.",
        )
    try:
        if _DOTTED.search(text):
            raise ValueError(f"it is nested more than {MAX_DEPTH} levels deep")
        table = tomllib.loads(text)
        require_plain(table)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{source} is not valid TOML: {_reason(error)}") from error
    return table


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    first = str(error).partition("\n")[0][:200]
    return "a number has thousands of digits" if first.startswith("Exceeds the limit") else first


def require_plain(value: object, where: str = "", depth: int = 0) -> None:
    """What a reader of another format gave has to be as JSON has it.

    Raises:
        ValueError: naming the place where it is not.
    """
    if depth > MAX_DEPTH:
        raise ValueError(f"it is nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, dict):
        for name, item in value.items():
            if not isinstance(name, str) or len(name) > MAX_NAME:
                raise ValueError(f"{where or 'the top'}: {brief(name)} is no name")
            require_plain(item, f"{where}.{name}" if where else name, depth + 1)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            require_plain(item, f"{where}[{number}]", depth + 1)
    elif not _is_plain(value):
        raise ValueError(f"{where or 'it'} is {brief(value)}, which is no plain value")


def _is_plain(value: object) -> bool:
    if type(value) is int:
        return value.bit_length() < MAX_DIGITS * 3
    if type(value) is float:
        return isfinite(value)
    if type(value) is str:
        return len(value) <= MAX_STRING
    return value is None or isinstance(value, bool)
