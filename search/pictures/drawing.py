"""What the pictures of searches have in common: colours, marks, and how numbers are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

Style: TypeAlias = dict[str, Any]
"""Properties of what is drawn, by matplotlib's names."""

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


def look(number: int) -> Style:
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


def plain(axes: Axes) -> None:
    """Axes without a frame, with a faint grid."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    axes.set_axisbelow(True)


def axis_label(objective: Described) -> str:
    """Name, unit and direction of an objective."""
    return f"{label(objective)} ({'more' if objective.maximise else 'less'} is better)"


def short(value: float, _: object = None) -> str:
    """A number in few characters; thousands upwards as k, M, G."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if letter == 'k' else size):.4g}{letter}"
    return f"{value:.4g}"


def own_numbers(*axes: Axis) -> None:
    """Write the numbers along axes (``axes.xaxis`` or ``axes.yaxis``) by :func:`short`."""
    from matplotlib.ticker import FuncFormatter

    for axis in axes:
        axis.set_major_formatter(FuncFormatter(short))
