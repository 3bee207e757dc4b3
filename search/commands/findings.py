"""What the searches of ``nassearch run`` found: as JSON, as a table and as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nasprof.cli import say
from search.archives.stored import StoredObjective
from search.archives.summary import Summary
from search.commands.arch_table import Shown, show_columns, show_rows
from search.commands.archive_view import hypervolume_note, plot_fronts, show_front
from search.commands.limits import first_latency
from search.naming import brief_arch
from search.problem import Problem
from search.quality.ranking import best

_SHOWN = 20
"""Networks of the front."""
_AT_MOST = StoredObjective("at most", "ms", maximise=False, facts={})


@dataclass(frozen=True)
class Findings:
    """What searches found.

    Args:
        seed: of all searches.
        ended: why one of them ended early.
        within: times in ms that are budgets, each with the problem that it limits.
    """

    summary: Summary
    seed: int
    ended: str | None
    within: Sequence[tuple[float, Problem]]

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        told = self.summary.as_dict()
        told.pop("path")
        budgets = [self._answer(*each) for each in self.within]
        return {**told, "seed": self.seed, "ended": self.ended, "budgets": budgets}

    def _answer(self, budget_ms: float, problem: Problem) -> dict[str, Any]:
        """The best of everything evaluated within a budget; null where nothing is."""
        stored, latency = self.summary.archive, first_latency(problem)
        place = best(stored.minimised, problem.worst)
        if place is None:
            return {"budget_ms": budget_ms, "arch": None, "values": None, "upper_ms": None}
        values = {
            each.name: float(value)
            for each, value in zip(problem.objectives, stored.values[place], strict=True)
        }
        return {
            "budget_ms": budget_ms,
            "arch": problem.space.decode(stored.genes[place : place + 1])[0],
            "values": values,
            "upper_ms": latency.bound.upper(values[latency.name]),
        }

    def show(self) -> None:
        """Print a row a budget; without budgets, the front."""
        told = self.as_dict()
        title = f"{told['engine']}: {told['evaluations']} evaluated"
        title += f", {told['failed']} failed" if told["failed"] else ""
        if told["budgets"]:
            self._show_budgets(told["budgets"], title)
        else:
            corner = ", ".join(f"{name} {value:.6g}" for name, value in told["reference"].items())
            note = f"{hypervolume_note(told)}, up to {corner}"
            show_front(self.summary, _SHOWN, title, [note])

    def _show_budgets(self, budgets: list[dict[str, Any]], title: str) -> None:
        objectives = (*self.summary.archive.objectives, _AT_MOST)
        missing = dict.fromkeys([each.name for each in objectives])
        shown = [
            Shown(
                f"{each['budget_ms']:.4g} ms",
                missing | (each["values"] or {}) | {_AT_MOST.name: each["upper_ms"]},
                brief_arch(each["arch"]) if each["arch"] else "none found within the budget",
            )
            for each in budgets
        ]
        if not show_rows(objectives, shown, title, [], names="budget"):
            show_columns(objectives, shown, title, [])

    def plot(self, path: Path) -> None:
        """Draw the front, if there is any.

        Raises:
            UsageError: there is one objective only.
            NasprofError: the picture cannot be written.
        """
        if len(self.summary.front):
            plot_fronts([self.summary], path)
        else:
            say("Nothing is plotted: no network was found")
