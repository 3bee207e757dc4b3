"""Taking checked fields out of JSON objects, so that errors name the field."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any

from nasprof.errors import UsageError


def is_number(value: Any) -> bool:
    """Whether a JSON value is a finite number, as a float as well."""
    try:
        return type(value) in (int, float) and isfinite(value)
    except OverflowError:
        return False


_CHECKS: dict[str, Callable[[Any], bool]] = {
    "a string": lambda value: isinstance(value, str),
    "a whole number": lambda value: type(value) is int,
    "a number": is_number,
    "true or false": lambda value: isinstance(value, bool),
    "an object": lambda value: isinstance(value, dict),
    "a list": lambda value: isinstance(value, list),
    "a list of strings": lambda value: (
        isinstance(value, list) and all(isinstance(entry, str) for entry in value)
    ),
    "a list of numbers": lambda value: isinstance(value, list) and all(map(is_number, value)),
    "a list of whole numbers": lambda value: (
        isinstance(value, list) and all(type(entry) is int for entry in value)
    ),
}


class Reader:
    """Takes checked fields out of an object."""

    def __init__(self, data: Any, where: str) -> None:
        if not isinstance(data, dict):
            raise UsageError(f"{where} is {brief(data)}, expected an object")
        self._data = data
        self._where = where

    def take(self, name: str, kind: str) -> Any:
        """The field ``name`` if it is ``kind``, in words ("a string or null")."""
        if name not in self._data:
            raise UsageError(f"{self._where}: field {name!r} is missing, expected {kind}")
        value = self._data[name]
        base = kind.removesuffix(" or null")
        if not (_CHECKS[base](value) or (value is None and base != kind)):
            raise UsageError(f"{self._where}: field {name!r} is {brief(value)}, expected {kind}")
        return value

    def positive(self, name: str) -> float:
        """The field ``name`` if it is a number above 0."""
        value = self.not_negative(name)
        if value == 0:
            raise UsageError(f"{self._where}: field {name!r} is 0, expected above 0")
        return value

    def not_negative(self, name: str) -> float:
        """The field ``name`` if it is a number of at least 0."""
        value = self.take(name, "a number")
        if value < 0:
            raise UsageError(f"{self._where}: field {name!r} is {value}, expected at least 0")
        return float(value)


def brief(value: Any) -> str:
    """A value as Python writes it, cut short for a message."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a number of thousands of digits, or endless nesting
        return f"{_NAMES.get(type(value), 'a value')} too long to show"
    return text if len(text) <= 60 else f"{text[:57]}..."


_NAMES = {int: "a number", list: "a list", dict: "an object"}
