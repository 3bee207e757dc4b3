"""What the pictures of searches have in common: colours, marks, and how they are written."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Protocol

from nasprof.files import write_atomic

# Okabe and Ito's palette, which the colour-blind can tell apart, and marks for print.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#8C8C3F", "#555555")
MARKS = "osD^vPX*"
LINES = ("-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (6, 1.5, 1, 1.5)))


class Described(Protocol):
    """An objective as people read it."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def unit(self) -> str:
        """What it is in; empty for plain numbers."""

    @property
    def maximise(self) -> bool:
        """Whether more is better."""


def look(number: int) -> dict[str, Any]:
    """How the entry ``number`` of a picture is drawn; no two of the first 32 look alike.

    Neighbours differ in colour; those of one colour in mark and line.
    """
    turn = number // len(COLOURS)
    return {
        "color": COLOURS[number % len(COLOURS)],
        "marker": MARKS[(number + 3 * turn) % len(MARKS)],
        "linestyle": LINES[turn % len(LINES)],
    }


def label(objective: Described) -> str:
    """Name and unit of an objective."""
    return f"{objective.name}, {objective.unit}" if objective.unit else objective.name


def figure(title: str, width: float, height: float) -> Any:
    """A figure with its title at the upper left, sizes in inches."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    drawn = pyplot.figure(figsize=(width, height), layout="constrained")
    drawn.suptitle(title, x=0.01, ha="left", fontsize="large")
    return drawn


def plain(axis: Any) -> None:
    """Axes without a frame, with a faint grid."""
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(alpha=0.25)
    axis.set_axisbelow(True)


def save(drawn: Any, path: Path) -> None:
    """Write a figure as PNG and let go of it.

    Raises:
        NasprofError: the file cannot be written.
    """
    from matplotlib import pyplot

    buffer = io.BytesIO()
    drawn.savefig(buffer, format="png", dpi=130)
    pyplot.close(drawn)
    write_atomic(path, buffer.getvalue())


def axis_label(objective: Described) -> str:
    """Name, unit and direction of an objective."""
    return f"{label(objective)} ({'more' if objective.maximise else 'less'} is better)"


def short(value: float, _: object = None) -> str:
    """A number in few characters; thousands upwards as k, M, G."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if letter == 'k' else size):.4g}{letter}"
    return f"{value:.4g}"


def own_numbers(*axes: Any) -> None:
    """Write the numbers along axes (``axis.xaxis`` or ``axis.yaxis``) by :func:`short`."""
    from matplotlib.ticker import FuncFormatter

    for each in axes:
        each.set_major_formatter(FuncFormatter(short))
