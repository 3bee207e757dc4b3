"""The one reader of text files: whatever people bring ends as a value or as a named error.

Size is limited before and while a file is read, after decompression, and as depth, digits, names
and number of values. JSON means what its standard says: no NaN, and no key twice in one object.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import stat
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain
from math import isfinite
from pathlib import Path
from typing import Any, NoReturn

from nasprof.errors import UsageError
from nasprof.reader import brief

MAX_BYTES = 16 << 20
"""Of one document: the largest that are known, of thousands of networks, have 3 MB."""
MAX_TOML = 32 << 10
"""Characters: the parser takes time with the square of some of them."""
MAX_LINE = 20_000
"""Characters of a line of a table."""
MAX_DEPTH = 50
MAX_DIGITS = 100
MAX_NAME = 1000
"""Characters of a key."""
MAX_STRING = 1 << 20
MAX_VALUES = 2_000_000

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)
# An unterminated string is one token too, so that no text is gone through twice.
_DOTTED = re.compile(rf"(?:[^.\n=]{{0,40}}\.){{{MAX_DEPTH}}}")
"""A name of so many parts that the parser would take a gigabyte for it."""
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


def read_bytes(path: Path, limit: int = MAX_BYTES) -> bytes:
    """The contents of a regular file.

    Raises:
        UsageError: it cannot be read, is none (a folder, a pipe, a device), or is larger than
            ``limit`` bytes.
    """
    try:
        # Without O_NONBLOCK a pipe that nobody writes to would be waited for.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _O_BINARY)
        with os.fdopen(descriptor, "rb") as stream:
            _require_regular(path, os.fstat(descriptor), limit)
            data = stream.read(limit + 1)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:  # a NUL in its name
        raise UsageError(f"cannot read {str(path)!r}: {error}") from error
    if len(data) > limit:
        raise _too_large(path, limit)
    return data


_O_BINARY: int = getattr(os, "O_BINARY", 0)


def require_readable(path: Path, limit: int) -> int:
    """The size in bytes of a file that something else is going to read.

    Raises:
        UsageError: as :func:`read_bytes` does.
    """
    try:
        known = path.stat()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot read {path}: {reason}") from error
    _require_regular(path, known, limit)
    return known.st_size


def _require_regular(path: Path, known: os.stat_result, limit: int) -> None:
    if not stat.S_ISREG(known.st_mode):
        what = next((words for test, words in _KINDS if test(known.st_mode)), "no file")
        raise UsageError(f"{path} is {what}, expected a file", "Name a regular file.")
    if known.st_size > limit:
        raise _too_large(path, limit, known.st_size)


def _too_large(source: object, limit: int, size: int | None = None) -> UsageError:
    has = f"more than {mebibytes(limit)}" if size is None else mebibytes(size)
    return UsageError(
        f"{source} has {has}, expected at most {mebibytes(limit)}",
        "Is it the file that was meant? If so, split it.",
    )


def mebibytes(size: int) -> str:
    """A number of bytes in words."""
    return f"{size / (1 << 20):,.1f} MiB".replace(".0 ", " ")


def read_text(path: Path, expected: str, limit: int = MAX_BYTES) -> str:
    """The text in ``path``, without a byte-order mark.

    Raises:
        UsageError: it cannot be read or is no text, saying what was ``expected``.
    """
    return decoded(read_bytes(path, limit), path, expected)


def decoded(data: bytes, path: Path, expected: str) -> str:
    """The text in the contents of ``path``.

    Raises:
        UsageError: it is no UTF-8, saying what was ``expected``.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        what = "no UTF-8" if error.start > 2 and b"\0" not in data[:1000] else "not text"
        raise UsageError(f"{path} is {what} (byte {error.start}): expected {expected}") from error


def require_short_lines(text: str, source: Path | str) -> None:
    """Refuse a table of millions of columns before it is taken apart.

    Raises:
        UsageError: naming the length that a line may have.
    """
    if len(text) > MAX_LINE and re.search(rf"[^\n]{{{MAX_LINE}}}", text):
        raise UsageError(f"{source} has a line of more than {MAX_LINE:,} characters")


def gunzipped(data: bytes, path: Path, limit: int) -> bytes:
    """What a gzip file holds.

    Raises:
        UsageError: it is damaged, or holds more than ``limit`` bytes.
    """
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            found = stream.read(limit + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UsageError(f"{path} is no whole gzip file: {error}") from error
    if len(found) > limit:
        raise _too_large(f"{path}, decompressed,", limit)
    return found


# --- JSON ----------------------------------------------------------------------------------------


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
    truncated = not rest or any(re.fullmatch(each, rest, re.DOTALL) for each in ends)
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
    found = dict(pairs)
    if len(found) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name, count in counts.items() if count > 1)
        raise JsonInvalid(f"the key {brief(twice)} stands twice in one object")
    for name, value in pairs:
        if len(name) > MAX_NAME:
            raise JsonInvalid(f"a key has {len(name):,} characters, expected at most {MAX_NAME:,}")
        if type(value) is str and len(value) > MAX_STRING:
            raise JsonInvalid(f"{brief(name)} is a text of {len(value):,} characters")
    return found


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
    found = next(
        (each for each in re.finditer(pattern, text, re.DOTALL) if each[0] == constant), None
    )
    before = text[: found.start()] if found else ""
    near = " ".join(before[-40:].split())
    return f"line {before.count(chr(10)) + 1}, after {near!r}"


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant
)


def _require_encodable(value: Any) -> None:
    """Half a character can be written nowhere."""
    for text in _strings(value):
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise JsonInvalid(f"{brief(text)} holds half a character") from error


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from chain(value, *map(_strings, value.values()))
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)


# --- TOML ----------------------------------------------------------------------------------------


def parse_toml(text: str, source: Path | str) -> dict[str, Any]:
    """The table in ``text``, of values that JSON has too.

    Raises:
        UsageError: naming ``source`` and what is wrong.
    """
    import tomllib

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


def require_plain(value: Any, where: str = "", depth: int = 0) -> None:
    """What a reader of another format gave has to be as JSON has it.

    Raises:
        ValueError: naming the place where it is not.
    """
    if depth > MAX_DEPTH:
        raise ValueError(f"it is nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, dict):
        for name, each in value.items():
            if not isinstance(name, str) or len(name) > MAX_NAME:
                raise ValueError(f"{where or 'the top'}: {brief(name)} is no name")
            require_plain(each, f"{where}.{name}" if where else name, depth + 1)
    elif isinstance(value, list):
        for number, each in enumerate(value):
            require_plain(each, f"{where}[{number}]", depth + 1)
    elif not _is_plain(value):
        raise ValueError(f"{where or 'it'} is {brief(value)}, which is no plain value")


def _is_plain(value: Any) -> bool:
    if type(value) is int:
        return value.bit_length() < MAX_DIGITS * 3
    checks: dict[type, Callable[[Any], bool]] = {
        float: isfinite,
        str: lambda text: len(text) <= MAX_STRING,
    }
    return value is None or checks.get(type(value), lambda _: isinstance(value, bool))(value)
