"""What searches found, as it is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from nasprof.results import frame
from nasprof.typing import JsonObject
from search.archives.stored import StoredArchive
from search.archives.summary import Summary
from search.problem import Problem
from search.quality.ranking import best
from search.runs.budgets import first_latency

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class SearchResult:
    """What searches on the same objectives found.

    Args:
        summary: everything evaluated, its front and its hypervolume.
        seed: of all searches.
        ended: why one of them ended early.
        within: times in ms that are budgets, each with the problem that it limits.
    """

    summary: Summary
    seed: int
    ended: str | None
    within: Sequence[tuple[float, Problem]]

    @property
    def archive(self) -> StoredArchive:
        """Everything evaluated: ``genes`` ``(n, n_genes)``, ``values`` ``(n, n_objectives)`` in
        their own units, and ``front``, which of them nothing dominates.
        """
        return self.summary.archive

    @cached_property
    def budgets(self) -> list[JsonObject]:
        """The best of everything evaluated within each budget; null where nothing is."""
        return [self._answer(budget_ms, problem) for budget_ms, problem in self.within]

    def _answer(self, budget_ms: float, problem: Problem) -> JsonObject:
        stored, latency = self.archive, first_latency(problem)
        index = best(stored.minimised, problem.worst)
        if index is None:
            return {"budget_ms": budget_ms, "arch": None, "values": None, "upper_ms": None}
        values = {
            objective.name: float(value)
            for objective, value in zip(problem.objectives, stored.values[index], strict=True)
        }
        return {
            "budget_ms": budget_ms,
            "arch": problem.space.decode(stored.genes[index : index + 1])[0],
            "values": values,
            "upper_ms": latency.bound.upper(values[latency.name]),
        }

    def to_dict(self) -> JsonObject:
        """As JSON: what ``nassearch run --json`` prints."""
        summary = self.summary.to_dict()
        summary.pop("path")
        return {**summary, "seed": self.seed, "ended": self.ended, "budgets": self.budgets}

    def to_frame(self) -> pandas.DataFrame:
        """Everything evaluated, a row an architecture, in order.

        Columns are ``arch``, each objective in its own unit (nan where it failed), ``on_front``
        and ``error``.

        Raises:
            UsageError: pandas is not installed.
        """
        stored = self.archive
        names = [objective.name for objective in stored.objectives]
        archs, on_front = stored.space.decode(stored.genes), set(stored.front.tolist())
        return frame(
            {
                "arch": archs[index],
                **dict(zip(names, stored.values[index].tolist(), strict=True)),
                "on_front": index in on_front,
                "error": stored.errors[index],
            }
            for index in range(len(stored))
        )
