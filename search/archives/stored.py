"""Archives read without the models of their searches, to be looked at, merged and begun from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nasprof.errors import UsageError
from nasprof.reader import Reader, brief
from nasprof.typing import Array, JsonObject
from search.archives.archive_log import ARCHIVES, ArchiveInvalid
from search.archives.lines import read_lines
from search.quality.indicators import non_dominated
from search.quality.ranking import evaluated, violation
from spaces import Genes, Space, spaces

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
    facts: Mapping[str, object]

    @classmethod
    def of(cls, data: JsonObject) -> StoredObjective:
        """The objective that the head of an archive has as an object."""
        own = ("name", "unit", "maximise")
        others = {name: value for name, value in data.items() if name not in own}
        return cls(data["name"], data["unit"], data["maximise"], others)

    def to_dict(self) -> JsonObject:
        """As the head of an archive has it."""
        about = {"name": self.name, "unit": self.unit, "maximise": self.maximise}
        return {**about, **self.facts}


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
    facts: JsonObject
    genes: Genes
    values: Array
    errors: Sequence[str | None]

    def __len__(self) -> int:
        return len(self.genes)

    @property
    def signs(self) -> Array:
        """-1 where an objective is maximised, else 1: ``(n_objectives,)``."""
        return np.array([-1.0 if objective.maximise else 1.0 for objective in self.objectives])

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
        pairs = zip([objective.name for objective in self.objectives], unlimited, strict=True)
        worst = self.signs * np.array([self.limits.get(*pair) for pair in pairs])
        kept: NDArray[np.bool_] = violation(self.minimised, worst) == 0
        return kept

    @cached_property
    def front(self) -> NDArray[np.intp]:
        """Indices of what is within the limits and not dominated, by the last objective."""
        return non_dominated(np.where(self.within[:, None], self.minimised, np.nan))


def read_archive(path: Path | str) -> StoredArchive:
    """The archive in a file, which stays as it is.

    A last line that a crash left incomplete is left out, which is said.

    Args:
        path: of the file (.jsonl).

    Returns:
        Everything evaluated, in order.

    Raises:
        ArchiveInvalid: it is no archive, or damaged otherwise than by a crash, naming the line.

    >>> from search import Models, RunOptions, run
    >>> from spaces import get_space
    >>> cells = Models(space=get_space("nasbench201"))
    >>> options = RunOptions(evaluations=20, folder="kept")
    >>> result = run("random", "macs,params", models=cells, options=options)
    >>> (path,) = Path("kept").iterdir()
    >>> len(read_archive(path))
    20
    """
    path = Path(path)
    records = list(ARCHIVES.read(path))
    if not records:
        raise ArchiveInvalid(f"{path} holds no whole line of an archive", "Choose another file.")
    where, header = records[0]
    facts = ARCHIVES.facts_of(header, path)
    try:
        space, objectives = _space(facts), _objectives(facts)
        _check_limits(facts, objectives)
    except UsageError as error:
        raise ArchiveInvalid(f"{where}: {error.message}", error.remedy) from error
    lines = read_lines(records[1:], [objective.name for objective in objectives], space, _DAMAGED)
    lines.sort(key=lambda line: line.index)
    genes = np.array([line.genes for line in lines], np.int8).reshape(-1, space.n_genes)
    values = np.array([line.values for line in lines], np.float64).reshape(-1, len(objectives))
    errors = [line.error for line in lines]
    return StoredArchive(path, space, objectives, facts, genes, values, errors)


def _space(facts: Mapping[str, object]) -> Space:
    settings = Reader(facts, "facts").take("space", "an object")
    name = Reader(settings, "space").take("space", "a string")
    return spaces.get(name).from_arch(settings)


def _objectives(facts: Mapping[str, object]) -> tuple[StoredObjective, ...]:
    listed = Reader(facts, "facts").take("objectives", "a list")
    objectives = tuple(_objective(data) for data in listed)
    names = [objective.name for objective in objectives]
    if not names or len(set(names)) < len(names):
        raise UsageError(f"the objectives are {brief(names)}, expected one or more, all different")
    return objectives


def _objective(data: JsonObject) -> StoredObjective:
    reader = Reader(data, "objective")
    reader.take("name", "a string")
    reader.take("unit", "a string")
    reader.take("maximise", "true or false")
    return StoredObjective.of(data)


def _check_limits(facts: Mapping[str, object], objectives: Sequence[StoredObjective]) -> None:
    if facts.get("limits") is None:
        return
    limits = Reader(facts, "facts").take("limits", "an object")
    reader = Reader(limits, "limits")
    for name in limits:
        reader.take(name, "a number")
        if all(name != objective.name for objective in objectives):
            raise UsageError(f"there is a limit on {name!r}, which is no objective")
