"""What a search has evaluated so far, in order; on disk, so that it can go on after a crash.

The file holds a line of JSON an evaluation, in the objectives' own units, after a header that says
what is searched for and how.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nasprof.errors import UsageError
from nasprof.reader import Reader, is_number
from search.problem import Problem
from search.runs.archive_file import (
    DAMAGED,
    SCHEMA,
    ArchiveBusy,
    ArchiveFile,
    ArchiveInvalid,
    ArchiveMismatch,
)
from search.runs.indicators import non_dominated
from search.runs.ranking import best, violation
from spaces import Genes

__all__ = ["Archive", "ArchiveBusy", "ArchiveInvalid", "ArchiveMismatch"]

Array: TypeAlias = NDArray[np.float64]


class Archive(AbstractContextManager["Archive"]):
    """Architectures and their objectives in order of evaluation.

    Args:
        problem: what is searched for.
        facts: how: what has to be the same for a search to be gone on with, as JSON values.
        path: the file, begun or gone on with; kept in memory only if None.
        fresh: forget what the file holds.

    Raises:
        ArchiveBusy: another process has it open.
        ArchiveInvalid: naming the line that is damaged.
        ArchiveMismatch: it was begun with other facts, naming them.
    """

    def __init__(
        self,
        problem: Problem,
        facts: Mapping[str, Any] | None = None,
        path: Path | None = None,
        *,
        fresh: bool = False,
    ) -> None:
        self.problem = problem
        self._held: list[tuple[list[int], list[float]]] = []
        header = _header(problem, facts or {})
        self._file = None if path is None else ArchiveFile(path, header, fresh)
        if self._file is not None:
            try:
                self._read(self._file.lines())
            except BaseException:
                self._file.close()
                raise

    def __len__(self) -> int:
        return len(self._held)

    @property
    def genes(self) -> Genes:
        """``(n, n_genes)``."""
        return np.array([row for row, _ in self._held], np.int8).reshape(
            -1, self.problem.space.n_genes
        )

    @property
    def values(self) -> Array:
        """Objectives to be minimised ``(n, n_objectives)``; nan where not evaluated."""
        values = np.array([numbers for _, numbers in self._held], np.float64)
        return values.reshape(-1, len(self.problem.objectives))

    def add(self, genes: Genes, values: Array) -> None:
        """Keep what architectures ``(n, n_genes)`` are worth, ``(n, n_objectives)``.

        Raises:
            NasprofError: they cannot be written; what is on disk stays as it is.
        """
        rows, own = genes.tolist(), (self.problem.signs * values).tolist()
        if self._file is not None:
            names = [each.name for each in self.problem.objectives]
            self._file.append(
                {"genes": row, "values": dict(zip(names, map(_finite, numbers), strict=True))}
                for row, numbers in zip(rows, own, strict=True)
            )
        # In one step, since an interrupt may come between any two.
        self._held += list(zip(rows, values.tolist(), strict=True))

    @property
    def front(self) -> tuple[Genes, Array]:
        """What is within the limits and not dominated, in order of the last objective.

        Returns:
            Genes ``(n, n_genes)`` and objectives to be minimised ``(n, n_objectives)``.
        """
        values = self.values
        within = np.flatnonzero(violation(values, self.problem.worst) == 0)
        chosen = within[non_dominated(values[within])]
        return self.genes[chosen], values[chosen]

    @property
    def best(self) -> tuple[Genes, Array] | None:
        """Genes ``(n_genes,)`` and objectives of the best within the limits; None if none is."""
        values = self.values
        place = best(values, self.problem.worst)
        return None if place is None else (self.genes[place], values[place])

    def close(self) -> None:
        """Let go of the file, which stays."""
        if self._file is not None:
            self._file.close()

    def __exit__(self, *error: object) -> None:
        self.close()

    def _read(self, lines: list[tuple[str, Any]]) -> None:
        for where, line in lines:
            try:
                reader = Reader(line, "evaluation")
                row = reader.take("genes", "a list of whole numbers")
                told = reader.take("values", "an object")
                own = [_number(told, each.name) for each in self.problem.objectives]
                self._require(row)
            except UsageError as error:
                raise ArchiveInvalid(f"{where}: {error.message}", DAMAGED) from error
            self._held.append((row, (self.problem.signs * np.array(own)).tolist()))

    def _require(self, row: list[int]) -> None:
        """Refuse genes that are not canonical in the space."""
        if (self.problem.space.canonical(np.array([row], np.int64)) != row).any():
            raise UsageError(f"genes {row} are not canonical")


def _header(problem: Problem, facts: Mapping[str, Any]) -> dict[str, Any]:
    objectives = [
        {"name": each.name, "unit": each.unit, "maximise": each.maximise}
        for each in problem.objectives
    ]
    shared = {"space": problem.space.settings, "objectives": objectives}
    header = {"schema": SCHEMA, "facts": {**shared, "limits": dict(problem.limits), **facts}}
    read_again: dict[str, Any] = json.loads(json.dumps(header))
    return read_again


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _number(told: Mapping[str, Any], name: str) -> float:
    value = told.get(name, "missing")
    if not (value is None or is_number(value)):
        raise UsageError(f"value {name!r} is {value!r}, expected a number or null")
    return np.nan if value is None else float(value)
