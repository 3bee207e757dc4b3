"""What a search has evaluated so far, in order; on disk, so that it can go on after a crash.

The file holds a line of JSON an evaluation, in the objectives' own units, after a header that says
what is searched for and how.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from luts import NO_BOUND
from nasprof.append_log import AppendLog
from nasprof.log import logger
from nasprof.typing import Array, JsonObject
from search.archives.archive_log import (
    ARCHIVES,
    DAMAGED,
    ArchiveBusy,
    ArchiveInvalid,
    ArchiveMismatch,
)
from search.archives.lines import Line, read_lines
from search.problem import Limit, Problem
from search.quality.indicators import non_dominated
from search.quality.ranking import best, violation
from spaces import Genes

__all__ = ["Archive", "ArchiveBusy", "ArchiveInvalid", "ArchiveMismatch"]


@dataclass(frozen=True)
class Record:
    """An architecture that was evaluated.

    Args:
        genes: ``(n_genes,)``.
        values: objectives to be minimised, nan where not evaluated.
        error: what went wrong, if anything did.
    """

    genes: list[int]
    values: list[float]
    error: str | None = None


class Archive(AbstractContextManager["Archive"]):
    """Architectures and their objectives in order of evaluation.

    Args:
        problem: what is searched for. Where the file was begun with the same budgets, but other
            limits, these hold.
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
        facts: Mapping[str, object] | None = None,
        path: Path | None = None,
        *,
        fresh: bool = False,
    ) -> None:
        self.problem = problem
        self._held: dict[int, Record] = {}
        self._log: AppendLog | None = None
        if path is not None:
            self._log = AppendLog(path, ARCHIVES, archive_facts(problem, facts or {}), fresh=fresh)
            try:
                self._read(self._log.read())
                self._go_on_within(self._log.facts.get("limits") or {})
            except BaseException:
                self._log.close()
                raise

    def _go_on_within(self, limits: Mapping[str, float]) -> None:
        """Take the limits that the file was begun with, and say so where bounds have changed."""
        predictions = self.problem.prediction_limits
        for objective in self.problem.objectives:
            now, begun = predictions.get(objective.name), limits.get(objective.name)
            if now is not None and now != begun:
                logger.warning(
                    f"The bound of {objective.name!r} has changed since this search began: its "
                    f"limit was {begun:.6g} {objective.unit}, now it would be {now:.6g}; it goes "
                    "on with the former"
                )
        bounds = {objective.name: objective.bound for objective in self.problem.objectives}
        kept = {
            name: Limit.of_prediction(value, bounds.get(name, NO_BOUND))
            for name, value in limits.items()
            if value is not None  # which is as good as no limit
        }
        self.problem = replace(self.problem, limits=kept)

    def __len__(self) -> int:
        return len(self._held)

    @property
    def records(self) -> Mapping[int, Record]:
        """What is held, by its index in the order of proposals."""
        return self._held

    @property
    def genes(self) -> Genes:
        """In order of proposals, ``(n, n_genes)``."""
        rows = [record.genes for _, record in sorted(self._held.items())]
        return np.array(rows, np.int8).reshape(-1, self.problem.space.n_genes)

    @property
    def values(self) -> Array:
        """Objectives to be minimised ``(n, n_objectives)``; nan where not evaluated."""
        values = np.array([record.values for _, record in sorted(self._held.items())], np.float64)
        return values.reshape(-1, len(self.problem.objectives))

    @property
    def errors(self) -> list[str | None]:
        """What went wrong with record architecture, None where nothing did."""
        return [record.error for _, record in sorted(self._held.items())]

    def add(
        self,
        genes: Genes,
        values: Array,
        errors: Sequence[str | None] | None = None,
        first: int | None = None,
    ) -> None:
        """Keep what architectures ``(n, n_genes)`` are worth, ``(n, n_objectives)``.

        Args:
            errors: what went wrong with each of them.
            first: index of the first of them in the order of proposals; after all others unless
                given.

        Raises:
            NasprofError: they cannot be written; what is on disk stays as it is.
        """
        start = len(self._held) if first is None else first
        errors = [None] * len(genes) if errors is None else errors
        rows = zip(genes.tolist(), values.tolist(), errors, strict=True)
        new = {start + number: Record(*row) for number, row in enumerate(rows)}
        if self._log is not None:
            # The number of a line is the index of its architecture, but for those that others
            # overtook.
            lines = enumerate(new.items(), len(self._held))
            self._log.append(self._line(number, *item) for number, item in lines)
        # In one step, since an interrupt may come between any two.
        self._held |= new

    def _line(self, number: int, index: int, record: Record) -> JsonObject:
        own = (self.problem.signs * np.array(record.values)).tolist()
        names = [objective.name for objective in self.problem.objectives]
        line = Line(index, record.genes, own, record.error).to_dict(names)
        return line if number == index else {**line, "place": index}

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
        index = best(values, self.problem.worst)
        return None if index is None else (self.genes[index], values[index])

    def close(self) -> None:
        """Let go of the file, which stays."""
        if self._log is not None:
            self._log.close()

    def __exit__(self, *error: object) -> None:
        self.close()

    def _read(self, records: list[tuple[str, JsonObject]]) -> None:
        names = [objective.name for objective in self.problem.objectives]
        for line in read_lines(records, names, self.problem.space, DAMAGED):
            values = self.problem.signs * np.array(line.values)
            self._held[line.index] = Record(line.genes, values.tolist(), line.error)


def archive_facts(problem: Problem, facts: Mapping[str, object]) -> JsonObject:
    """What an archive's header tells: the problem, and how it is searched."""
    shared = {
        "space": problem.space.settings,
        "objectives": [objective.to_dict() for objective in problem.objectives],
        "limits": problem.prediction_limits,
    }
    return {**shared, **facts}
