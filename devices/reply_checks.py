"""What values in the runner's answers may be."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NoReturn, TypeGuard

from devices.cpus import MAX_CPUS
from devices.errors import RunnerCrashed
from devices.foreign import MAX_TIME_MS, clean

MAX_NAME = 2000
"""Characters of a name or another word."""


def damaged(doing: str, what: str) -> NoReturn:
    """Refuse an answer.

    Args:
        doing: the request that it is to, by its name.
        what: is wrong with it.

    Raises:
        RunnerCrashed: always.
    """
    raise RunnerCrashed(
        f"the runner's answer to {doing} is damaged: {clean(what)}",
        "Is it this version's runner, and a runtime adapter that keeps to the protocol?",
    )


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether a value is a finite number of at most a day of ms, and neither true nor false."""
    # True is an int for Python.
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return math.isfinite(value) and abs(value) <= MAX_TIME_MS


def is_time(value: object) -> bool:
    """Whether a value is a duration in ms."""
    return is_number(value) and value >= 0


def is_word(value: object) -> bool:
    """Whether a value is a text of at most :data:`MAX_NAME` characters."""
    return isinstance(value, str) and len(value) <= MAX_NAME


def is_core(value: object) -> bool:
    """Whether a value is the number of a CPU."""
    return type(value) is int and 0 <= value < MAX_CPUS


def is_tensor(value: object) -> bool:
    """Whether a value tells a tensor's name, shape and type."""
    return (
        isinstance(value, dict)
        and is_word(value.get("name"))
        and isinstance(value.get("shape"), list)
        and all(is_size(size) for size in value["shape"])
        and is_word(value.get("dtype"))
    )


def is_size(value: object) -> bool:
    """Whether a value is the size of an axis."""
    return type(value) is int and 0 <= value < 1 << 63


def is_assumption(value: object) -> bool:
    """Whether a value tells the size that was assumed for an axis."""
    return (
        isinstance(value, dict)
        and {"axis", "size_name", "size", "batch"} <= value.keys()
        and is_size(value["axis"])
        and is_size(value["size"])
        and (value["size_name"] is None or is_word(value["size_name"]))
        and isinstance(value["batch"], bool)
    )


DESCRIBED: dict[str, Callable[[object], bool]] = {
    "from": is_word,
    "values": is_word,
    "values_from": is_word,
    "batch": lambda value: value is None or is_size(value),
    "assumed": lambda value: isinstance(value, list) and all(map(is_assumption, value)),
}
"""What else may be told of a model's input, by field."""


def is_operator(value: object) -> bool:
    """Whether a value is the name of an operator and its time in ms."""
    return isinstance(value, list) and len(value) == 2 and is_word(value[0]) and is_time(value[1])
