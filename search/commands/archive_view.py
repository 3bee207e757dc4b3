"""Archives as they are shown: tables and pictures of what searches found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nasprof.cli import say, show_table
from nasprof.typing import JsonObject
from search.archives.stored import StoredArchive
from search.archives.summary import Summary, curves
from search.commands.arch_table import Shown, numbers, show_columns, show_rows
from search.naming import brief_arch
from search.pictures.curves import plot_curves
from search.pictures.fronts import plot_front

_POINTED_OUT = 4
"""Architectures pointed out in a picture, or compared in columns."""


def show_objectives(summary: Summary) -> None:
    """Print the best and the worst of each objective, and how good the front is."""
    told = summary.to_dict()
    rows = [
        (
            each["name"],
            each["unit"],
            "more" if each["maximise"] else "less",
            *numbers([each["best"], each["worst"], *_ends(told, each["name"])]),
        )
        for each in told["objectives"]
    ]
    columns = ("objective", "unit", "better", ">best", ">worst", ">reference", ">limit")
    notes = [f"front: {len(told['front'])}, {hypervolume_note(told)}"]
    show_table(columns, rows, heading(summary.archive), notes)


def _ends(told: JsonObject, name: str) -> tuple[float | None, float | None]:
    """Reference and limit of an objective."""
    return told["reference"][name], told["limits"].get(name)


def hypervolume_note(told: JsonObject) -> str:
    """The hypervolume of a summary, and whether it is estimated."""
    about = "" if told["hypervolume_exact"] else "about "
    return f"hypervolume {about}{told['hypervolume']:.6g}"


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
    some = [each for place, each in enumerate(front) if place % step == 0 or each.name]
    objectives, left_out = summary.archive.objectives, _left_out(len(some), len(front))
    if show_rows(objectives, some, title, [*left_out, *notes]):
        return
    named = [front[place] for place in [*summary.marks][:_POINTED_OUT]]
    show_columns(objectives, named, title, [*_left_out(len(named), len(front)), *notes])


def _shown(summary: Summary) -> list[Shown]:
    """The front."""
    return [
        Shown(", ".join(each["marks"]), each["values"], brief_arch(each["arch"]))
        for each in summary.to_dict()["front"]
    ]


def _left_out(shown: int, all_of_them: int) -> list[str]:
    if shown == all_of_them:
        return []
    return [f"{shown} of {all_of_them} on the front; --json has all"]


def plot_fronts(found: Sequence[Summary], path: Path) -> None:
    """Draw each front; pictures are numbered if there are several.

    Raises:
        UsageError: there is nothing to draw.
        NasprofError: a picture cannot be written.
    """
    for number, each in enumerate(found, 1):
        place = path.with_stem(f"{path.stem}-{number}") if len(found) > 1 else path
        stored = each.archive
        others = np.delete(stored.values, stored.front, axis=0)
        plot_front(stored.objectives, each.front, others, _marked(each), heading(stored), place)
        say(f"Plotted to {place}")


def _marked(summary: Summary) -> dict[str, int]:
    """Names of the places pointed out; further ones of the same name are numbered."""
    names: dict[str, int] = {}
    for place, marks in [*summary.marks.items()][:_POINTED_OUT]:
        name = ", ".join(marks)
        names[f"{name} {len(names)}" if name in names else name] = place
    return names


def plot_progress(found: Sequence[Summary], path: Path) -> None:
    """Draw hypervolumes over evaluations, a curve an engine.

    Raises:
        UsageError: there is nothing to draw, or the objectives differ.
        NasprofError: the picture cannot be written.
    """
    drawn, counts = curves(found)
    several = any(len(rows) > 1 for rows in drawn.values())
    over = "means over seeds ± standard error" if several else "one search each"
    title = f"{found[0].archive.space.label}: {over}"
    plot_curves(drawn, counts, "hypervolume", title, path)
    say(f"Plotted to {path}")
