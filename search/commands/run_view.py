"""What ``nassearch run`` found, as tables and as a picture."""

from __future__ import annotations

from pathlib import Path

from nasprof.cli import say
from nasprof.typing import JsonObject
from search.archives.stored import StoredObjective
from search.commands.arch_table import ArchRow, show_columns, show_rows
from search.commands.archive_view import hypervolume_note, plot_fronts, show_front
from search.naming import brief_arch
from search.runs.result import SearchResult

_SHOWN = 20
"""Networks of the front."""
_AT_MOST = StoredObjective("at most", "ms", maximise=False, facts={})


def show_result(result: SearchResult) -> None:
    """Print a row a budget; without budgets, the front."""
    data = result.to_dict()
    title = f"{data['engine']}: {data['evaluations']} evaluated"
    title += f", {data['failed']} failed" if data["failed"] else ""
    if result.budgets:
        _show_budgets(result, title)
    else:
        corner = ", ".join(f"{name} {value:.6g}" for name, value in data["reference"].items())
        note = f"{hypervolume_note(data)}, up to {corner}"
        show_front(result.summary, _SHOWN, title, [note])


def _show_budgets(result: SearchResult, title: str) -> None:
    objectives = (*result.archive.objectives, _AT_MOST)
    missing = dict.fromkeys([objective.name for objective in objectives])
    rows = [_shown(answer, missing) for answer in result.budgets]
    if not show_rows(objectives, rows, title, [], names="budget"):
        show_columns(objectives, rows, title, [])


def _shown(answer: JsonObject, missing: dict[str, None]) -> ArchRow:
    return ArchRow(
        f"{answer['budget_ms']:.4g} ms",
        missing | (answer["values"] or {}) | {_AT_MOST.name: answer["upper_ms"]},
        brief_arch(answer["arch"]) if answer["arch"] else "none found within the budget",
    )


def plot_result(result: SearchResult, path: Path) -> None:
    """Draw the front, if there is any.

    Raises:
        UsageError: there is one objective only.
        NasprofError: the picture cannot be written.
    """
    if len(result.summary.front):
        plot_fronts([result.summary], path)
    else:
        say("Nothing is plotted: no network was found")
