"""Figures as every package of ours draws them: without a display, and written as a whole."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from nasprof.files import write_atomic

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def new_figure(title: str, width: float, height: float) -> Figure:
    """A figure with its title at the upper left, sizes in inches."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure = pyplot.figure(figsize=(width, height), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", fontsize="large")
    return figure


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG and let go of it.

    Raises:
        NasprofError: the file cannot be written.
    """
    from matplotlib import pyplot

    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=130)
    pyplot.close(figure)
    write_atomic(path, buffer.getvalue())
