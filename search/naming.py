"""Short names of numbers and architectures."""

from __future__ import annotations

from collections.abc import Mapping


def exactly(number: float) -> str:
    """A number in as few digits as tell it from every other one."""
    short = f"{number:g}"
    return short if float(short) == number else repr(number)


def brief_arch(arch: Mapping[str, object]) -> str:
    """What distinguishes an architecture from others of its space, in few characters."""
    return " ".join(
        value if isinstance(value, str) else "".join(map(str, value))
        for value in arch.values()
        if isinstance(value, str | list) and (isinstance(value, list) or value.startswith("|"))
    )
