"""Taking checked fields out of JSON objects, so that errors name the field."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any, TypeGuard

from nasprof.errors import UsageError

LARGEST = 1e18
"""Nothing here is counted or measured beyond it, and sums and squares of it are still finite."""
LONGEST_MS = 86_400_000.0
"""A day: a latency above it is none."""
SHORTEST_MS = 1e-9


def is_number(value: object) -> TypeGuard[float]:
    """Whether a JSON value is a number, finite and of a size that can be reckoned with."""
    if type(value) is not int and type(value) is not float:
        return False
    return -LARGEST <= value <= LARGEST


def is_whole(value: object) -> bool:
    """Whether a JSON value is a whole number of at most 63 bits."""
    return type(value) is int and value.bit_length() < 64


def is_time_ms(value: object) -> bool:
    """Whether a JSON value is a duration in ms: from 0 to a day."""
    return is_number(value) and 0 <= value <= LONGEST_MS


_CHECKS: dict[str, Callable[[object], bool]] = {
    "a string": lambda value: isinstance(value, str),
    "a whole number": is_whole,
    "a number": is_number,
    "true or false": lambda value: isinstance(value, bool),
    "an object": lambda value: isinstance(value, dict),
    "a list": lambda value: isinstance(value, list),
    "a list of objects": lambda value: (
        isinstance(value, list) and all(isinstance(entry, dict) for entry in value)
    ),
    "a list of strings": lambda value: (
        isinstance(value, list) and all(isinstance(entry, str) for entry in value)
    ),
    "a list of numbers": lambda value: isinstance(value, list) and all(map(is_number, value)),
    "a list of whole numbers": lambda value: isinstance(value, list) and all(map(is_whole, value)),
    "a time in ms": is_time_ms,
    "a list of times in ms": lambda value: isinstance(value, list) and all(map(is_time_ms, value)),
}


class Reader:
    """Takes checked fields out of an object."""

    def __init__(self, data: Any, where: str) -> None:
        if not isinstance(data, dict):
            raise UsageError(f"{where} is {brief(data)}, expected an object")
        self._data = data
        self.where = where

    def take(self, name: str, kind: str) -> Any:
        """The field ``name`` if it is ``kind``, in words ("a string or null")."""
        if name not in self._data:
            raise UsageError(f"{self.where}: field {name!r} is missing, expected {kind}")
        value = self._data[name]
        base = kind.removesuffix(" or null")
        if not (_CHECKS[base](value) or (value is None and base != kind)):
            raise UsageError(f"{self.where}: field {name!r} is {brief(value)}, expected {kind}")
        return value

    def positive(self, name: str) -> float:
        """The field ``name`` if it is a number above 0."""
        value = self.not_negative(name)
        if value == 0:
            raise UsageError(f"{self.where}: field {name!r} is 0, expected above 0")
        return value

    def not_negative(self, name: str) -> float:
        """The field ``name`` if it is a number of at least 0."""
        value = self.take(name, "a number")
        if value < 0:
            raise UsageError(f"{self.where}: field {name!r} is {value}, expected at least 0")
        return float(value)

    def within(self, name: str, low: float, high: float) -> float:
        """The field ``name`` if it is a number from ``low`` to ``high``."""
        value = self.take(name, "a number")
        if not low <= value <= high:
            raise UsageError(
                f"{self.where}: field {name!r} is {value}, expected {low:g} to {high:g}"
            )
        return float(value)

    def latency_ms(self, name: str, least: float = SHORTEST_MS) -> float:
        """The field ``name`` if it is a time in ms, at most a day, above 0 unless ``least`` is."""
        value = self.take(name, "a number")
        if not least <= value <= LONGEST_MS:
            expected = "above 0" if least else "at least 0"
            raise UsageError(
                f"{self.where}: field {name!r} is {value}, expected {expected} ms and at most a day"
            )
        return float(value)


_SHOWN = 60


def brief(value: object) -> str:
    """A value as Python writes it, cut short for a message, however large it is."""
    text = repr(_shortened(value))
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def _shortened(value: object, depth: int = 3) -> Any:
    """As much of a value as can be shown."""
    if isinstance(value, str | bytes):
        return value[: _SHOWN + 1]
    if isinstance(value, int) and value.bit_length() > 4 * _SHOWN:
        return f"a number of {value.bit_length()} bits"
    if not isinstance(value, dict | list | tuple):
        return value
    if depth == 0:
        return "..."
    if isinstance(value, dict):
        first = islice(value.items(), _SHOWN)
        return {_shortened(key): _shortened(item, depth - 1) for key, item in first}
    return type(value)([_shortened(item, depth - 1) for item in value[:_SHOWN]])
