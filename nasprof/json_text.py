"""JSON as its standard has it: no NaN, and no key twice in one object.

Depth, digits, names and the number of values are limited.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from math import isfinite
from pathlib import Path
from typing import Any, NoReturn

from nasprof.errors import UsageError
from nasprof.reader import brief
from nasprof.reading import MAX_DEPTH, MAX_DIGITS, MAX_NAME, MAX_STRING, MAX_VALUES

# An unterminated string is one token too, so that no text is gone through twice.
_STRING = r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)'
_TOKENS = re.compile(_STRING + r"|[][{}]", re.DOTALL)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
# What json says in front of the end of a text that was cut off there.
_CUT_OFF = {
    "Unterminated string": r".*",
    "Invalid \\": r".{0,6}",
    "Expecting value": r"t|tr|tru|f|fa|fal|fals|n|nu|nul|-",
    "Expecting ',' delimiter": r"\.|[eE][+-]?",
}


class JsonInvalid(ValueError):
    """A text is no JSON that is read here.

    Args:
        reason: what is wrong, as a clause.
        truncated: whether it may be the beginning of a longer text.
    """

    def __init__(self, reason: str, truncated: bool = False) -> None:
        super().__init__(reason)
        self.truncated = truncated


def parse_json(text: str, source: Path | str) -> Any:
    """The JSON value in ``text``.

    Raises:
        UsageError: naming ``source`` and what is wrong.
    """
    try:
        return plain_json(text)
    except JsonInvalid as error:
        remedy = "The file may be truncated; write it again." if error.truncated else None
        raise UsageError(f"{source} is not valid JSON: {error}", remedy) from error


def plain_json(text: str | bytes) -> Any:
    """The JSON value in ``text``, for callers with errors of their own.

    Raises:
        JsonInvalid: what is wrong with it.
    """
    try:
        text = text.decode() if isinstance(text, bytes) else text
    except UnicodeDecodeError as error:
        raise JsonInvalid(f"byte {error.start} is no UTF-8") from error
    _limit_nesting(text)
    try:
        value = _DECODER.decode(text.removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        raise _malformed(error) from error
    except _NoNumber as error:
        what = f"{_place_of(str(error), text)}: {error} is no number that JSON has"
        raise JsonInvalid(what) from error
    except RecursionError as error:
        raise JsonInvalid("it is nested too deeply") from error
    if _SURROGATE.search(text):
        _require_encodable(value)
    return value


def _malformed(error: json.JSONDecodeError) -> JsonInvalid:
    rest = error.doc[error.pos :].rstrip()
    ends = [pattern for words, pattern in _CUT_OFF.items() if error.msg.startswith(words)]
    truncated = not rest or any(re.fullmatch(pattern, rest, re.DOTALL) for pattern in ends)
    what = error.msg if error.doc.strip() else "it is empty"
    return JsonInvalid(f"line {error.lineno}, column {error.colno}: {what}", truncated)


def _limit_nesting(text: str) -> None:
    opened = text.count("[") + text.count("{")
    if opened + text.count(",") > MAX_VALUES:
        raise JsonInvalid(f"it holds more than {MAX_VALUES:,} values")
    if opened <= MAX_DEPTH:
        return
    depth = 0
    for token in _TOKENS.finditer(text):
        kind = text[token.start()]
        depth += (kind in "[{") - (kind in "]}")
        if depth > MAX_DEPTH:
            raise JsonInvalid(f"it is nested more than {MAX_DEPTH} levels deep")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name, count in counts.items() if count > 1)
        raise JsonInvalid(f"the key {brief(twice)} stands twice in one object")
    for name, value in pairs:
        if len(name) > MAX_NAME:
            raise JsonInvalid(f"a key has {len(name):,} characters, expected at most {MAX_NAME:,}")
        if type(value) is str and len(value) > MAX_STRING:
            raise JsonInvalid(f"{brief(name)} is a text of {len(value):,} characters")
    return members


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise _too_long(text)
    return int(text)


def _float(text: str) -> float:
    if len(text) > MAX_DIGITS:
        raise _too_long(text)
    value = float(text)
    if not isfinite(value):
        raise JsonInvalid(f"{text} is too large a number")
    return value


def _too_long(text: str) -> JsonInvalid:
    return JsonInvalid(
        f"the number {text[:20]}... has {len(text):,} digits, expected at most {MAX_DIGITS}"
    )


class _NoNumber(ValueError):
    """What Python writes for a number that JSON has not."""


def _constant(text: str) -> NoReturn:
    raise _NoNumber(text)


def _place_of(constant: str, text: str) -> str:
    """Where it stands outside of strings, with what stands before it."""
    pattern = _STRING + "|" + re.escape(constant)
    match = next(
        (token for token in re.finditer(pattern, text, re.DOTALL) if token[0] == constant), None
    )
    before = text[: match.start()] if match else ""
    near = " ".join(before[-40:].split())
    return f"line {before.count(chr(10)) + 1}, after {near!r}"


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant
)


def _require_encodable(value: object) -> None:
    """Half a character can be written nowhere."""
    for text in _strings(value):
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise JsonInvalid(f"{brief(text)} holds half a character") from error


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from chain(value, *map(_strings, value.values()))
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
