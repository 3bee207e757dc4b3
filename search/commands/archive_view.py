"""Archives as they are shown: tables and pictures of what searches found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nasprof.cli import say, show_table

if TYPE_CHECKING:
    from search.runs.stored import StoredArchive
    from search.runs.summary import Summary

_BESIDE = 5
"""Objectives that fit beside each other in a table."""
_POINTED_OUT = 4
"""Architectures pointed out in a picture, or compared in columns."""


def show_objectives(summary: Summary) -> None:
    """Print the best and the worst of each objective, and how good the front is."""
    told = summary.as_dict()
    rows = [
        (
            each["name"],
            each["unit"],
            "more" if each["maximise"] else "less",
            text(each["best"]),
            text(each["worst"]),
            text(told["reference"][each["name"]]),
            text(told["limits"].get(each["name"])),
        )
        for each in told["objectives"]
    ]
    columns = ("objective", "unit", "better", ">best", ">worst", ">reference", ">limit")
    about = "" if told["hypervolume_exact"] else "about "
    notes = [f"front: {len(told['front'])}, hypervolume {about}{told['hypervolume']:.6g}"]
    show_table(columns, rows, heading(summary.archive), notes)


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


def text(value: float | None) -> str:
    """A number as tables have it."""
    return "-" if value is None else f"{value:.6g}"


def show_front(
    summary: Summary, top: int, title: str | None = None, notes: Sequence[str] = ()
) -> None:
    """Print ``top`` of the front, spread over it, and what is pointed out.

    Of many objectives, only the latter, beside each other.
    """
    from search.delivery.replies import brief_arch

    if len(summary.archive.objectives) > _BESIDE:
        _show_columns(summary, title, notes)
        return
    front = summary.as_dict()["front"]
    step = max(1, -(-len(front) // top))
    shown = [each for place, each in enumerate(front) if place % step == 0 or each["marks"]]
    rows = [
        (*map(text, each["values"].values()), ", ".join(each["marks"]), brief_arch(each["arch"]))
        for each in shown
    ]
    columns = [f">{each.name} {each.unit}".rstrip() for each in summary.archive.objectives]
    notes = [*_left_out(len(shown), len(front)), *notes]
    show_table((*columns, "", "architecture"), rows, title, notes)


def _left_out(shown: int, all_of_them: int) -> list[str]:
    if shown == all_of_them:
        return []
    return [f"{shown} of {all_of_them} on the front; --json has all"]


def _show_columns(summary: Summary, title: str | None, notes: Sequence[str]) -> None:
    """Objectives below each other, beside them the architectures that are pointed out."""
    from search.delivery.replies import brief_arch

    front = summary.as_dict()["front"]
    shown = [front[place] for place in [*summary.marks][:_POINTED_OUT]]
    names = [", ".join(each["marks"]) for each in shown]
    rows = [
        (each.name, each.unit, *(text(one["values"][each.name]) for one in shown))
        for each in summary.archive.objectives
    ]
    archs = [f"{name}: {brief_arch(each['arch'])}" for name, each in zip(names, shown, strict=True)]
    notes = [*archs, *_left_out(len(shown), len(front)), *notes]
    show_table(("objective", "unit", *(f">{name}" for name in names)), rows, title, notes)


def plot_fronts(found: Sequence[Summary], path: Path) -> None:
    """Draw each front; pictures are numbered if there are several.

    Raises:
        UsageError: there is nothing to draw.
        NasprofError: a picture cannot be written.
    """
    import numpy as np

    from search.runs.front_plot import plot_front

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
    from search.runs.curve_plot import plot_curves
    from search.runs.summary import curves

    drawn, counts = curves(found)
    several = any(len(rows) > 1 for rows in drawn.values())
    over = "means over seeds ± standard error" if several else "one search each"
    title = f"{found[0].archive.space.label}: {over}"
    plot_curves(drawn, counts, "hypervolume", title, path)
    say(f"Plotted to {path}")
