"""Architectures and their objectives as tables that fit the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

import click

from nasprof.cli import show_table
from search.archives.stored import StoredObjective

LONGEST = 14
"""Characters of a heading's line."""
_LEAST_WIDTH = 16
"""Characters left for architectures, below which they are not shown in a column."""
_TOGETHER = 4
"""Architectures that fit beside each other."""
_SIZES = {"T": 1e12, "G": 1e9, "M": 1e6, "k": 1e3}
_LARGE = 1e5
"""From which on numbers are told by these sizes."""


@dataclass(frozen=True)
class ArchRow:
    """An architecture as it is shown.

    Args:
        name: what it is pointed out as.
        values: of each objective by name, in its own unit; None where there is none.
    """

    name: str
    values: Mapping[str, float | None]
    arch: str


def numbers(values: Sequence[float | None]) -> list[str]:
    """Numbers to be compared with each other; if some are large, all are in k, M, G or T."""
    largest = max(
        (abs(value) for value in values if value is not None and isfinite(value)), default=0
    )
    fitting = (letter for letter, size in _SIZES.items() if largest >= max(size, _LARGE))
    letter = next(fitting, "")
    return [_number(value, letter) for value in values]


def _number(value: float | None, letter: str) -> str:
    if value is None:
        return "-"
    return f"{value / _SIZES[letter]:.4g} {letter}" if letter else f"{value:.6g}"


def shortened(names: Sequence[str]) -> dict[str, str]:
    """What stands for each name in at most :data:`LONGEST` characters, all different."""
    texts: dict[str, str] = {}
    for name in names:
        text, number = name, 1
        while len(text) > LONGEST or text in texts.values():
            end = "…" if number == 1 else f"…{number}"
            text, number = name[: LONGEST - len(end)] + end, number + 1
        texts[name] = text
    return texts


def show_rows(
    objectives: Sequence[StoredObjective],
    shown: Sequence[ArchRow],
    title: str | None,
    notes: Sequence[str],
    *,
    names: str | None = None,
) -> bool:
    """Print a row an architecture; whether the terminal is wide enough for that.

    In one that is wide enough for the values only, those with names are told below.

    Args:
        names: heading of the names if they come first; they come after the values unless given.
    """
    short = shortened([objective.name for objective in objectives])
    headings = [_heading(short[objective.name], objective.unit) for objective in objectives]
    columns = [numbers([one.values[objective.name] for one in shown]) for objective in objectives]
    called = [row.name for row in shown]
    if names is None:
        headings, columns = [*headings, ""], [*columns, called]
    else:
        headings, columns = [f">{names}", *headings], [called, *columns]
    left = _terminal() - _width(headings, columns)
    if left < 0:
        return False
    explained = [f"{text}: {name}" for name, text in short.items() if text != name]
    if left < _LEAST_WIDTH:
        explained += _archs(shown)
    else:
        headings, columns = [*headings, "architecture"], [*columns, [one.arch for one in shown]]
    show_table(headings, list(zip(*columns, strict=True)), title, [*explained, *notes])
    return True


def _archs(shown: Sequence[ArchRow]) -> list[str]:
    """A line for each that has a name."""
    return [f"{row.name}: {row.arch}" for row in shown if row.name]


def _heading(name: str, unit: str) -> str:
    """Of a column of numbers; in two lines if one would be long."""
    between = " " if len(name) + len(unit) < LONGEST else "\n"
    return f">{name}{between}{unit}".rstrip()


def _width(headings: Sequence[str], columns: Sequence[Sequence[str]]) -> int:
    """Characters of a line, with two spaces behind each column."""
    parts = [
        [*heading.removeprefix(">").split("\n"), *cells]
        for heading, cells in zip(headings, columns, strict=True)
    ]
    return sum(max(map(len, column)) + 2 for column in parts)


def _terminal() -> int:
    from rich.console import Console

    return Console().width


def show_columns(
    objectives: Sequence[StoredObjective],
    shown: Sequence[ArchRow],
    title: str | None,
    notes: Sequence[str],
) -> None:
    """Print objectives below each other, a column an architecture."""
    for first in range(0, len(shown), _TOGETHER):
        group = shown[first : first + _TOGETHER]
        rows = [
            (
                objective.name,
                objective.unit,
                *numbers([one.values[objective.name] for one in group]),
            )
            for objective in objectives
        ]
        headings = ("objective", "unit", *(f">{one.name}" for one in group))
        show_table(headings, rows, None if first else title, _archs(group))
    for note in notes:
        click.echo(note)
