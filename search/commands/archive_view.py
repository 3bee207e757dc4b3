"""Archives as they are shown: tables and pictures of what searches found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nasprof.cli import say, show_table
from nasprof.typing import JsonObject
from search.archives.stored import StoredArchive
from search.archives.summary import Summary, curves
from search.commands.arch_table import ArchRow, numbers, show_columns, show_rows
from search.naming import brief_arch
from search.pictures.curves import plot_curves
from search.pictures.fronts import plot_front

_POINTED_OUT = 4
"""Architectures pointed out in a picture, or compared in columns."""


def show_objectives(summary: Summary) -> None:
    """Print the best and the worst of each objective, and how good the front is."""
    data = summary.to_dict()
    rows = [
        (
            objective["name"],
            objective["unit"],
            "more" if objective["maximise"] else "less",
            *numbers([objective["best"], objective["worst"], *_ends(data, objective["name"])]),
        )
        for objective in data["objectives"]
    ]
    columns = ("objective", "unit", "better", ">best", ">worst", ">reference", ">limit")
    notes = [f"front: {len(data['front'])}, {hypervolume_note(data)}"]
    show_table(columns, rows, heading(summary.archive), notes)


def _ends(data: JsonObject, name: str) -> tuple[float | None, float | None]:
    """Reference and limit of an objective."""
    return data["reference"][name], data["limits"].get(name)


def hypervolume_note(data: JsonObject) -> str:
    """The hypervolume of a summary, and whether it is estimated."""
    about = "" if data["hypervolume_exact"] else "about "
    return f"hypervolume {about}{data['hypervolume']:.6g}"


def heading(stored: StoredArchive) -> str:
    """File, engine and seed, space and numbers, in a line."""
    engine, seed = (stored.facts.get(name) for name in ("engine", "seed"))
    searched = [] if engine is None else [str(engine)]
    searched += [] if seed is None else [f"seed {seed}"]
    about = ", ".join([*searched, stored.space.label])
    file = "" if stored.path is None else f"{stored.path}: "
    failed = int((~stored.known).sum())
    lost = f", {failed} failed" if failed else ""
    return f"{file}{about}: {len(stored)} evaluated{lost}"


def show_front(
    summary: Summary, top: int, title: str | None = None, notes: Sequence[str] = ()
) -> None:
    """Print ``top`` of the front, spread over it, and what is pointed out.

    Where the terminal is too narrow for rows, only the latter, beside each other.
    """
    front = _shown(summary)
    step = max(1, -(-len(front) // top))
    some = [shown for index, shown in enumerate(front) if index % step == 0 or shown.name]
    objectives, left_out = summary.archive.objectives, _left_out(len(some), len(front))
    if show_rows(objectives, some, title, [*left_out, *notes]):
        return
    named = [front[index] for index in [*summary.marks][:_POINTED_OUT]]
    show_columns(objectives, named, title, [*_left_out(len(named), len(front)), *notes])


def _shown(summary: Summary) -> list[ArchRow]:
    """The front."""
    return [
        ArchRow(", ".join(member["marks"]), member["values"], brief_arch(member["arch"]))
        for member in summary.to_dict()["front"]
    ]


def _left_out(shown: int, all_of_them: int) -> list[str]:
    if shown == all_of_them:
        return []
    return [f"{shown} of {all_of_them} on the front; --json has all"]


def plot_fronts(summaries: Sequence[Summary], path: Path) -> None:
    """Draw each front; pictures are numbered if there are several.

    Raises:
        UsageError: there is nothing to draw.
        NasprofError: a picture cannot be written.
    """
    for number, summary in enumerate(summaries, 1):
        file = path.with_stem(f"{path.stem}-{number}") if len(summaries) > 1 else path
        stored, marked = summary.archive, _marked(summary)
        others = np.delete(stored.values, stored.front, axis=0)
        plot_front(stored.objectives, summary.front, others, marked, heading(stored), file)
        say(f"Plotted to {file}")


def _marked(summary: Summary) -> dict[str, int]:
    """Members of the front that are pointed out, by name; of the same name they are numbered."""
    names: dict[str, int] = {}
    for index, marks in [*summary.marks.items()][:_POINTED_OUT]:
        name = ", ".join(marks)
        names[f"{name} {len(names)}" if name in names else name] = index
    return names


def plot_progress(summaries: Sequence[Summary], path: Path) -> None:
    """Draw hypervolumes over evaluations, a curve an engine.

    Raises:
        UsageError: there is nothing to draw, or the objectives differ.
        NasprofError: the picture cannot be written.
    """
    drawn, counts = curves(summaries)
    several = any(len(rows) > 1 for rows in drawn.values())
    over = "means over seeds ± standard error" if several else "one search each"
    title = f"{summaries[0].archive.space.label}: {over}"
    plot_curves(drawn, counts, "hypervolume", title, path)
    say(f"Plotted to {path}")
