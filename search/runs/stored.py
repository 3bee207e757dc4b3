"""Archives read without the models of their searches, to be looked at, merged and begun from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nasprof.cli import say
from nasprof.errors import UsageError
from nasprof.reader import Reader, brief, is_number
from search.runs.archive_file import SCHEMA, ArchiveInvalid
from search.runs.indicators import non_dominated
from search.runs.ranking import evaluated, violation
from spaces import Genes, Space, spaces

Array: TypeAlias = NDArray[np.float64]

_DAMAGED = "It was changed or damaged. Remove that line if you can do without it."


@dataclass(frozen=True)
class StoredObjective:
    """An objective as an archive names it.

    Args:
        facts: what else the archive tells of it, as JSON values.
    """

    name: str
    unit: str
    maximise: bool
    facts: Mapping[str, Any]

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> StoredObjective:
        """The objective that the head of an archive has as an object."""
        own = ("name", "unit", "maximise")
        others = {name: value for name, value in told.items() if name not in own}
        return cls(told["name"], told["unit"], told["maximise"], others)


@dataclass(frozen=True)
class StoredArchive:
    """What a search evaluated, in order.

    Args:
        path: None if it is in memory only.
        objectives: in the order of the columns of ``values``.
        facts: everything its header tells of how it was searched.
        genes: canonical, ``(n, n_genes)``.
        values: in the objectives' own units, ``(n, n_objectives)``; nan where not evaluated.
        errors: why an architecture failed, where that was kept: ``(n,)``.
    """

    path: Path | None
    space: Space
    objectives: tuple[StoredObjective, ...]
    facts: Mapping[str, Any]
    genes: Genes
    values: Array
    errors: Sequence[str | None]

    def __len__(self) -> int:
        return len(self.genes)

    @property
    def signs(self) -> Array:
        """-1 where an objective is maximised, else 1: ``(n_objectives,)``."""
        return np.array([-1.0 if each.maximise else 1.0 for each in self.objectives])

    @property
    def minimised(self) -> Array:
        """Objectives to be minimised, ``(n, n_objectives)``."""
        return self.signs * self.values

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which were evaluated, ``(n,)``; the others failed."""
        return evaluated(self.values)

    @property
    def limits(self) -> Mapping[str, float]:
        """The worst value allowed of an objective, by name, in its own unit."""
        limits: Mapping[str, float] = self.facts.get("limits") or {}
        return limits

    @property
    def within(self) -> NDArray[np.bool_]:
        """Which were evaluated and are within the limits: ``(n,)``."""
        unlimited = self.signs * np.inf
        pairs = zip([each.name for each in self.objectives], unlimited, strict=True)
        worst = self.signs * np.array([self.limits.get(*pair) for pair in pairs])
        kept: NDArray[np.bool_] = violation(self.minimised, worst) == 0
        return kept

    @cached_property
    def front(self) -> NDArray[np.intp]:
        """Places of what is within the limits and not dominated, by the last objective."""
        return non_dominated(np.where(self.within[:, None], self.minimised, np.nan))


def read_stored(path: Path) -> StoredArchive:
    """The archive in a file, which stays as it is.

    A last line that a crash left incomplete is left out, which is said.

    Raises:
        ArchiveInvalid: it is no archive, or damaged otherwise than by a crash, naming the line.
    """
    texts = _whole_lines(path)
    facts = _facts(path, texts)
    try:
        space, objectives = _space(facts), _objectives(facts)
        _check_limits(facts, objectives)
    except UsageError as error:
        raise ArchiveInvalid(f"{path}, line 1: {error.message}", error.remedy) from error
    names = [each.name for each in objectives]
    lines = [_line(_where(path, n), n, text, names, space) for n, text in enumerate(texts[1:])]
    _check_places(path, [each.place for each in lines])
    genes = _canonical(path, space, [each.genes for each in lines])
    values = np.array([each.values for each in lines], np.float64).reshape(-1, len(names))
    order = np.argsort([each.place for each in lines], kind="stable")
    errors = [lines[place].error for place in order]
    return StoredArchive(path, space, objectives, facts, genes[order], values[order], errors)


def _where(path: Path, number: int) -> str:
    """The line of an evaluation, counted from 0 after the header."""
    return f"{path}, line {number + 2}"


def _whole_lines(path: Path) -> list[bytes]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ArchiveInvalid(f"cannot read {path}: {error.strerror}") from error
    whole, ended, rest = data.rpartition(b"\n")
    if not ended:
        raise ArchiveInvalid(f"{path} holds no whole line of an archive", "Choose another file.")
    if rest:
        say(f"{path}: the last line is incomplete and left out")
    return whole.split(b"\n")


def _facts(path: Path, texts: Sequence[bytes]) -> dict[str, Any]:
    try:
        header = json.loads(texts[0])
    except ValueError:
        header = None
    facts = header.get("facts") if isinstance(header, dict) else None
    if not isinstance(facts, dict) or header.get("schema") != SCHEMA:
        raise ArchiveInvalid(
            f"{path} is no archive of this version of nasprof", "Choose another file."
        )
    return facts


def _space(facts: Mapping[str, Any]) -> Space:
    settings = Reader(facts, "facts").take("space", "an object")
    name = Reader(settings, "space").take("space", "a string")
    return spaces.get(name).from_arch(settings)


def _objectives(facts: Mapping[str, Any]) -> tuple[StoredObjective, ...]:
    told = Reader(facts, "facts").take("objectives", "a list")
    found = tuple(_objective(each) for each in told)
    names = [each.name for each in found]
    if not names or len(set(names)) < len(names):
        raise UsageError(f"the objectives are {brief(names)}, expected one or more, all different")
    return found


def _objective(told: Any) -> StoredObjective:
    reader = Reader(told, "objective")
    reader.take("name", "a string")
    reader.take("unit", "a string")
    reader.take("maximise", "true or false")
    return StoredObjective.of(told)


def _check_limits(facts: Mapping[str, Any], objectives: Sequence[StoredObjective]) -> None:
    if facts.get("limits") is None:
        return
    limits = Reader(facts, "facts").take("limits", "an object")
    reader = Reader(limits, "limits")
    for name in limits:
        reader.take(name, "a number")
        if all(name != each.name for each in objectives):
            raise UsageError(f"there is a limit on {name!r}, which is no objective")


class _Line(NamedTuple):
    """One evaluation, with values in own units and its place in the order of proposals."""

    place: int
    genes: list[int]
    values: list[float]
    error: str | None


def _line(where: str, number: int, text: bytes, names: Sequence[str], space: Space) -> _Line:
    try:
        told = json.loads(text)
    except ValueError as wrong:
        raise ArchiveInvalid(f"{where} is no JSON", _DAMAGED) from wrong
    try:
        reader = Reader(told, "evaluation")
        row = reader.take("genes", "a list of whole numbers")
        if len(row) != space.n_genes or not all(0 <= gene < 128 for gene in row):
            raise UsageError(f"genes {brief(row)} are not of {space.label}")
        values = reader.take("values", "an object")
        error = reader.take("error", "a string or null") if "error" in told else None
        place = reader.take("place", "a whole number") if "place" in told else number
        return _Line(place, row, [_number(values, name) for name in names], error)
    except UsageError as wrong:
        raise ArchiveInvalid(f"{where}: {wrong.message}", _DAMAGED) from wrong


def _number(values: Mapping[str, Any], name: str) -> float:
    value = values.get(name, "missing")
    if not (value is None or is_number(value)):
        raise UsageError(f"value {name!r} is {brief(value)}, expected a number or null")
    return np.nan if value is None else float(value)


def _check_places(path: Path, places: Sequence[int]) -> None:
    taken: set[int] = set()
    for number, place in enumerate(places):
        if place < 0 or place in taken:
            what = f"place {place} is taken or below 0"
            raise ArchiveInvalid(f"{_where(path, number)}: {what}", _DAMAGED)
        taken.add(place)


def _canonical(path: Path, space: Space, rows: Sequence[list[int]]) -> Genes:
    """All rows as genes; one that is not canonical is named by its line."""
    genes = np.array(rows, np.int8).reshape(-1, space.n_genes)
    right = np.logical_and.reduce(genes < space.n_choices, axis=1)
    right[right] = (space.canonical(genes[right]) == genes[right]).all(1)
    if not right.all():
        number = int(right.argmin())
        what = f"genes {brief(rows[number])} are not canonical in {space.label}"
        raise ArchiveInvalid(f"{_where(path, number)}: {what}", _DAMAGED)
    return genes
