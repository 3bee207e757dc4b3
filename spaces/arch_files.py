"""Files of architectures as they are found in the field.

JSON, one or a list; a value a line; a Python dict, tuple or list as ``print`` writes it; a bare
string (PNAG's, NAT's, NAS-Bench-201's); NSGANetV2's archive ``{"archive": [[arch, error, cost],
...]}``, and other records of an architecture with numbers. What an architecture may look like,
each space knows (:meth:`spaces.Space.recognise`).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from nasprof.errors import UsageError
from nasprof.json_text import parse_json
from nasprof.reading import decoded, read_bytes
from spaces.base import Arch, Space
from spaces.named import parse_arch, spaces
from spaces.python_literal import looks_like_python, parse_literal

MAX_ARCHS = 10_000
"""In one file."""

_EXPECTED = "an architecture as JSON"


def read_archs(path: Path) -> list[tuple[Space, Arch]]:
    """The architectures in a file, one or more.

    Raises:
        UsageError: naming the file and what is wrong in it.

    >>> [space.label for space, arch in read_archs(Path("net.json"))]  # doctest: +SKIP
    ['ofa-mbv3 w1.0@224']
    """
    text = _text(path).strip()
    if not text:
        raise UsageError(f"{path} is empty", f"Expected {_EXPECTED}.")
    value = _value(text, path)
    try:
        items = _items(value)
        if len(items) > MAX_ARCHS:
            raise UsageError(
                f"it holds {len(items):,} architectures, expected at most {MAX_ARCHS:,}",
                "Split it, and go through the parts one after the other.",
            )
        # Equal spaces are one, so that what a space derives from its blocks is derived once.
        known: dict[Space, Space] = {}
        pairs = map(parse_arch, items)
        return [(known.setdefault(space, space), arch) for space, arch in pairs]
    except UsageError as error:
        raise UsageError(f"{path}: {error.message}", error.remedy) from error


def _text(path: Path) -> str:
    data = read_bytes(path)
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):  # as PowerShell's ``>``
        with suppress(UnicodeDecodeError):
            return data.decode("utf-16")
    return decoded(data, path, _EXPECTED)


def _value(text: str, path: Path) -> object:
    """What the text says: a value, or a list of the values on its lines."""
    try:
        return _single(text, path)
    except UsageError as error:
        lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
        lines = [(number, line) for number, line in lines if line]
        if len(lines) == 1 or not _is_whole(lines[0][1], path):
            raise error
    return [_single(line, f"{path}, line {number},") for number, line in lines]


def _is_whole(line: str, path: Path) -> bool:
    """Whether a line is a value by itself, so that others will be as well."""
    try:
        return isinstance(_single(line, path), dict | list | tuple | str)
    except UsageError:
        return False


def _single(text: str, path: Path | str) -> object:
    if _is_bare(text):
        return text if len(text) > _LONGEST_NUMBER or not text.isdecimal() else int(text)
    parse: Callable[[str, Path | str], object] = (
        parse_literal if looks_like_python(text) else parse_json
    )
    return parse(text, path)


_LONGEST_NUMBER = 9
_PRINTED_ARRAY = re.compile(r"\[\s*\d+(?:\s+\d+)+\s*\]")


def _is_bare(text: str) -> bool:
    """Whether the text is a string without quotes: a line from a digit or bar on, or an array."""
    line = (text[0] == "|" or text[0].isdecimal()) and "\n" not in text
    return line or _PRINTED_ARRAY.fullmatch(text) is not None


def _items(value: object) -> list[object]:
    """The architectures in a file's value, in order."""
    if isinstance(value, dict) and isinstance(value.get("archive"), list):
        return [_member(item) for item in value["archive"]]
    value = _member(value)
    if not isinstance(value, list | tuple) or _is_arch(value):
        return [value]
    return [_member(item) for item in value]


def _is_arch(value: list[object] | tuple[object, ...]) -> bool:
    """Whether a list is one architecture, not several."""
    return any(spaces.get(name).recognise(value) is not None for name in spaces)


def _member(item: object) -> object:
    """The architecture in a record of it.

    NSGANetV2's is ``[arch, error, cost]``, OFA's ``(accuracy, arch, latency)``; ours have ``arch``.
    """
    if isinstance(item, dict) and isinstance(item.get("arch"), dict | str):
        return item["arch"]
    if isinstance(item, list | tuple):
        others = [entry for entry in item if type(entry) not in (int, float)]
        if len(others) == 1 < len(item) and isinstance(others[0], dict | list | tuple | str):
            return others[0]
    return item
