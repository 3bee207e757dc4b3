"""Checks of the fields of an arch; messages name the field, its value and what is expected."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from nasprof.errors import UsageError
from nasprof.reader import brief, is_whole
from nasprof.typing import AnyArray, Flags


def check_number(field: str, value: object, low: int, high: int) -> None:
    """``value`` must be a whole number from ``low`` to ``high``."""
    if type(value) is not int or not low <= value <= high:
        raise UsageError(f"{field} is {brief(value)}, expected a whole number from {low} to {high}")


def check_numbers(field: str, values: object, count: int, low: int, high: int) -> None:
    """``values`` must be ``count`` whole numbers from ``low`` to ``high``."""
    if not isinstance(values, Sequence) or isinstance(values, str) or len(values) != count:
        raise UsageError(f"{field} is {brief(values)}, expected {count} whole numbers")
    for position, value in enumerate(values):
        check_number(f"{field}[{position}]", value, low, high)


def reject_unknown(arch: Mapping[str, object], known: Iterable[str]) -> None:
    """Every key of ``arch`` must be known."""
    known = list(known)
    for key in arch:
        if key not in known:
            near = difflib.get_close_matches(str(key)[:100], known, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(known)}."
            raise UsageError(f"unknown field {brief(key)}", hint)


def stack(archs: Sequence[Mapping[str, object]], field: str, count: int) -> NDArray[np.int64]:
    """One list field of every arch as ``(n, count)``; missing or ill-shaped ones are errors."""
    rows = []
    for number, arch in enumerate(archs):
        if field not in arch:
            raise UsageError(f"arch {number}: field {field!r} is missing")
        row = arch[field]
        if not isinstance(row, Sequence) or isinstance(row, str) or len(row) != count:
            raise UsageError(
                f"arch {number}: {field} is {brief(row)}, expected {count} whole numbers"
            )
        wrong = next((position for position, value in enumerate(row) if not is_whole(value)), None)
        if wrong is not None:
            raise UsageError(
                f"arch {number}: {field}[{wrong}] is {brief(row[wrong])}, expected a whole number"
            )
        rows.append(row)
    return np.array(rows, np.int64).reshape(len(rows), count)


def choice_indices(
    archs: Sequence[Mapping[str, object]], field: str, choices: Sequence[Sequence[object]]
) -> NDArray[np.int8]:
    """One list field of every arch as indices into the choices of each position.

    Args:
        choices: those of each position, in the order of its gene.

    Returns:
        ``(n, n_positions)``

    Raises:
        UsageError: the field is missing or ill-shaped, or a value is none of the choices.

    Example:
        >>> choice_indices([{"kernels": [3, 7]}], "kernels", [(1, 3), (3, 5, 7)]).tolist()
        [[1, 2]]
    """
    indices = np.zeros((len(archs), len(choices)), np.int8)
    for number, arch in enumerate(archs):
        if field not in arch:
            raise UsageError(f"arch {number}: field {field!r} is missing")
        row = arch[field]
        if not isinstance(row, Sequence) or isinstance(row, str) or len(row) != len(choices):
            raise UsageError(
                f"arch {number}: {field} is {brief(row)}, expected {len(choices)} values"
            )
        for position, (value, offered) in enumerate(zip(row, choices, strict=True)):
            known = [type(value) is type(choice) and value == choice for choice in offered]
            if not any(known):
                raise UsageError(
                    f"arch {number}: {field}[{position}] is {brief(value)}, "
                    f"expected one of {', '.join(map(str, offered))}"
                )
            indices[number, position] = known.index(True)
    return indices


def masked_indices(
    field: str, values: AnyArray, choices: tuple[int, ...], used: Flags
) -> NDArray[np.int8]:
    """Each value's index among the choices, 0 where it is not used.

    Args:
        values: ``(n, n_positions)``.
        used: which of them count, of that shape.

    Raises:
        UsageError: the shape is another, or a value that counts is none of the choices.
    """
    values = np.asarray(values)
    if values.shape != used.shape:
        raise UsageError(f"{field}: expected shape {used.shape}, got {values.shape}")
    matches = values[..., None] == np.array(choices)
    wrong = np.argwhere(used & ~matches.any(-1))
    if len(wrong):
        row, position = wrong[0]
        raise UsageError(
            f"arch {row}: {field}[{position}] is {values[row, position]}, "
            f"expected one of {', '.join(map(str, choices))}"
        )
    return np.where(used, matches.argmax(-1), 0).astype(np.int8)
