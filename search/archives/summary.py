"""What archives hold, in numbers: the best, the front, its hypervolume, and whom to take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from nasprof.errors import UsageError
from nasprof.reader import is_number
from nasprof.typing import Array, JsonObject
from search.archives.archive import Archive, archive_facts
from search.archives.lines import finite
from search.archives.stored import StoredArchive, StoredObjective
from search.quality.decision import knee, preferred
from search.quality.indicators import hypervolume, hypervolume_curve, is_exact

if TYPE_CHECKING:
    from search.problem import Problem


_COUNTS = 60
"""Points along a curve."""


@dataclass(frozen=True)
class Summary:
    """An archive and the corner where its hypervolume ends.

    Args:
        reference: in own units, ``(n_objectives,)``; nan where nothing was evaluated.
    """

    archive: StoredArchive
    reference: Array

    @property
    def corner(self) -> Array:
        """The reference, to be minimised."""
        return self.archive.signs * self.reference

    @property
    def front(self) -> Array:
        """The front in own units, ``(n, n_objectives)``."""
        return self.archive.values[self.archive.front]

    @cached_property
    def hypervolume(self) -> float:
        """Of what is within the limits."""
        return hypervolume(self.archive.signs * self.front, self.corner)

    @cached_property
    def marks(self) -> dict[int, list[str]]:
        """What is to be said of members of the front; the knee first, then by trade-off."""
        values = self.archive.signs * self.front
        marks: dict[int, list[str]] = {}
        if len(values):
            marks[knee(values)] = ["knee"]
        for index in preferred(values).tolist():
            marks.setdefault(index, []).append("preferred")
        return marks

    def to_dict(self) -> JsonObject:
        """As JSON; null where nothing was evaluated."""
        archive = self.archive
        return {
            "path": None if archive.path is None else str(archive.path),
            "engine": archive.facts.get("engine"),
            "seed": archive.facts.get("seed"),
            "space": archive.space.settings,
            "evaluations": len(archive),
            "failed": int((~archive.known).sum()),
            "objectives": [self._objective(number) for number in range(len(archive.objectives))],
            "limits": dict(archive.limits),
            "reference": self._named(self.reference),
            "hypervolume": self.hypervolume,
            "hypervolume_exact": is_exact(archive.signs * self.front, self.corner),
            "front": self._front(),
        }

    def _objective(self, number: int) -> JsonObject:
        objective = self.archive.objectives[number]
        best, worst = extremes(self.archive)
        return {
            "name": objective.name,
            "unit": objective.unit,
            "maximise": objective.maximise,
            "best": finite(best[number]),
            "worst": finite(worst[number]),
        }

    def _front(self) -> list[JsonObject]:
        archs = self.archive.space.decode(self.archive.genes[self.archive.front])
        return [
            {"arch": arch, "values": self._named(row), "marks": self.marks.get(index, [])}
            for index, (arch, row) in enumerate(zip(archs, self.front, strict=True))
        ]

    def _named(self, values: Array) -> dict[str, float | None]:
        names = [objective.name for objective in self.archive.objectives]
        return dict(zip(names, map(finite, values), strict=True))


def extremes(archive: StoredArchive) -> tuple[Array, Array]:
    """The best and the worst evaluated of each objective, in own units; nan where none was."""
    values = archive.minimised[archive.known]
    if len(values) == 0:
        nothing = np.full(len(archive.objectives), np.nan)
        return nothing, nothing
    return archive.signs * values.min(0), archive.signs * values.max(0)


def summaries(archives: Sequence[StoredArchive], given: Mapping[str, object]) -> list[Summary]:
    """Each archive with its reference: the worst evaluated in any of the same objectives.

    Args:
        given: other numbers of the reference, by the name of the objective, in its own unit.

    Raises:
        UsageError: one of them is no number, or no archive has such an objective.
    """
    known = {objective.name for archive in archives for objective in archive.objectives}
    for name, value in given.items():
        if name not in known:
            raise UsageError(f"no objective is called {name!r}", f"There are {_listed(known)}.")
        if not is_number(value):
            raise UsageError(f"the reference of {name!r} is {value!r}, expected a number")
    ends = {name: float(value) for name, value in given.items() if is_number(value)}
    return [Summary(archive, _reference(archive, archives, ends)) for archive in archives]


def summary_of(
    problem: Problem,
    archives: Sequence[Archive],
    given: Mapping[str, object],
    facts: Mapping[str, object] | None = None,
) -> Summary:
    """Everything that searches evaluated on the same objectives, as one.

    Args:
        problem: what is searched for, with the limits that the front is within.
        given: numbers of the reference, as of :func:`summaries`.
        facts: how was searched, to be told.

    Raises:
        UsageError: as of :func:`summaries`.
    """
    stored = StoredArchive(
        None,
        problem.space,
        tuple(StoredObjective.of(objective.to_dict()) for objective in problem.objectives),
        archive_facts(problem, facts or {}),
        np.concatenate([archive.genes for archive in archives]),
        problem.signs * np.concatenate([archive.values for archive in archives]),
        [error for archive in archives for error in archive.errors],
    )
    return summaries([stored], given)[0]


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names))


def _reference(
    archive: StoredArchive, archives: Sequence[StoredArchive], ends: Mapping[str, float]
) -> Array:
    alike = [other for other in archives if comparable(other, archive)]
    worst = np.stack([archive.signs * extremes(other)[1] for other in alike])
    # What evaluated nothing has nan here, which fmax passes over.
    largest = archive.signs * np.fmax.reduce(worst, axis=0)
    names = [objective.name for objective in archive.objectives]
    pairs = zip(names, largest.tolist(), strict=True)
    return np.array([ends.get(*pair) for pair in pairs])


def comparable(one: StoredArchive, other: StoredArchive) -> bool:
    """Whether two archives are of the same objectives in the same space."""
    return one.objectives == other.objectives and one.space == other.space


def curves(summaries: Sequence[Summary]) -> tuple[dict[str, Array], list[int]]:
    """Hypervolume of each engine over its evaluations, a row an archive; and the evaluations.

    Rows of archives that hold fewer end in nan.

    Raises:
        UsageError: the archives are not of the same objectives, or hold nothing.
    """
    first = summaries[0].archive
    for summary in summaries[1:]:
        if not comparable(first, summary.archive):
            raise UsageError(
                f"{summary.archive.path} is of other objectives or another space than {first.path}",
                "Compare archives of the same objectives.",
            )
    longest = max(len(summary.archive) for summary in summaries)
    if longest == 0:
        raise UsageError("there is nothing to draw: nothing was evaluated")
    counts = np.unique(np.geomspace(1, longest, _COUNTS).round().astype(int)).tolist()
    ideal = np.fmin.reduce(
        [summary.archive.signs * extremes(summary.archive)[0] for summary in summaries]
    )
    rows: dict[str, list[Array]] = {}
    for summary in summaries:
        name = str(summary.archive.facts.get("engine"))
        rows.setdefault(name, []).append(_curve(summary, counts, ideal))
    return {name: np.stack(several) for name, several in rows.items()}, counts


def _curve(summary: Summary, counts: Sequence[int], ideal: Array) -> Array:
    archive = summary.archive
    values = np.where(archive.within[:, None], archive.minimised, np.nan)
    curve = hypervolume_curve(values, summary.corner, counts, ideal)
    return np.where(np.array(counts) <= len(archive), curve, np.nan)
