"""Lookup tables as heat maps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from luts import LookupTable
from nasprof.figures import new_figure, save_figure
from nasprof.typing import Array
from profiler.reports.tables import entry_times
from spaces import Space
from spaces.panels import Layout, Panel, outside

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap, Normalize
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.image import AxesImage

COLOURS = "YlGnBu"
MISSING = "#d8d8d8"
_CELL = (0.62, 0.4)
_BAR, _MARGIN = 0.24, 0.75


def plot_table(table: LookupTable, path: Path) -> list[Path]:
    """Write a heat map of each space as PNG; the files written.

    With several spaces the files are numbered: ``name-1.png``, ``name-2.png``, ...
    """
    numbers = [f"-{number}" for number, _ in enumerate(table.spaces, 1)]
    suffixes = numbers if len(numbers) > 1 else [""]
    paths = [path.with_name(f"{path.stem}{suffix}{path.suffix}") for suffix in suffixes]
    for space, target in zip(table.spaces, paths, strict=True):
        save_figure(_drawn(table, space), target)
    return paths


def _drawn(table: LookupTable, space: Space) -> Figure:
    times = entry_times(table, space)
    costs = np.array([np.nan if time is None else time for time in times])
    layout, rest = space.panels, outside(space.panels, len(costs))
    heights = [_panels_height(layout), _MARGIN + _BAR * len(rest)]
    figure = new_figure(_title(table, space), _width(layout), 0.5 + sum(heights))
    ratios = [max(height, 0.01) for height in heights]
    upper, lower = figure.subfigures(2, 1, height_ratios=ratios, squeeze=False)[:, 0]
    if layout:
        _draw_panels(upper, layout, costs)
    if rest:
        _draw_bars(lower, [space.vocabulary[number].key for number in rest], costs[rest])
    return figure


def _title(table: LookupTable, space: Space) -> str:
    named = ("device", "runtime", "precision")
    facts = [str(table.provenance[key]) for key in named if table.provenance.get(key)]
    return f"{table.name}: {space.label}, {', '.join([*facts, f'{table.clock} clock'])}"


def _width(layout: Layout) -> float:
    """Inches that the widest row of panels takes, with labels and the colour bar."""
    widths = [sum(0.45 + _CELL[0] * len(panel.columns) for panel in row) for row in layout]
    return max([7.5, *(1.6 + width for width in widths)])


def _panels_height(layout: Layout) -> float:
    return sum(_MARGIN + _CELL[1] * max(len(panel.rows) for panel in row) for row in layout)


def _draw_panels(figure: SubFigure, layout: Layout, costs: Array) -> None:
    """Heat maps with one scale of colours for all, each cell with its number."""
    from matplotlib import colormaps
    from matplotlib.colors import LogNorm
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    numbers = np.concatenate([panel.blocks.ravel() for row in layout for panel in row])
    shown = costs[numbers[numbers >= 0]]
    positive = shown[shown > 0]
    low, high = (positive.min(), positive.max()) if len(positive) else (1.0, 1.0)
    scale = LogNorm(low, high if high > low else low * 1.01)
    colours = colormaps[COLOURS].with_extremes(bad=MISSING)
    axes = figure.subplots(len(layout), max(map(len, layout)), squeeze=False)
    for axis in axes.flat:
        axis.set_visible(False)
    image = None
    for row, panels in enumerate(layout):
        for column, panel in enumerate(panels):
            padded = np.append(costs, np.nan)
            image = _draw_panel(axes[row, column], panel, padded[panel.blocks], scale, colours)
            if column == 0:
                axes[row, column].set_ylabel(panel.row_name)
            if row == len(layout) - 1:
                axes[row, column].set_xlabel(panel.column_name)
    if image is not None:
        bar = figure.colorbar(image, ax=axes, label="ms per block (log)", pad=0.01, aspect=30)
        bar.ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        bar.ax.yaxis.set_minor_formatter(NullFormatter())
        bar.ax.tick_params(which="both", labelsize="small")


def _draw_panel(
    axis: Axes, panel: Panel, times: Array, scale: Normalize, colours: Colormap
) -> AxesImage:
    axis.set_visible(True)
    image = axis.imshow(np.where(times > 0, times, np.nan), norm=scale, cmap=colours, aspect="auto")
    for (row, column), time in np.ndenumerate(times):
        dark = time > 0 and _luminance(colours(scale(time))) < 0.5
        text = "missing" if np.isnan(time) else short(float(time))
        colour = "white" if dark else "black"
        axis.text(column, row, text, ha="center", va="center", fontsize="small", color=colour)
    axis.set_title(panel.title, fontsize="medium")
    axis.set_xticks(range(len(panel.columns)), panel.columns)
    axis.set_yticks(range(len(panel.rows)), panel.rows)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    return image


def short(time_ms: float) -> str:
    """A time in three figures, never as a power of ten."""
    return f"{time_ms:.4f}" if time_ms < 0.1 else f"{time_ms:#.3g}".rstrip(".")


def _luminance(colour: tuple[float, float, float, float]) -> float:
    red, green, blue, _ = colour
    return 0.299 * red + 0.587 * green + 0.114 * blue


def _draw_bars(figure: SubFigure, labels: Sequence[str], costs: Array) -> None:
    """The blocks that no panel shows, as bars."""
    axis = figure.subplots()
    bars = axis.barh(range(len(labels)), np.nan_to_num(costs), color="#4878a8", height=0.7)
    texts = ["missing" if np.isnan(cost) else short(cost) for cost in costs.tolist()]
    axis.bar_label(bars, texts, padding=3, fontsize="small")
    axis.set_yticks(range(len(labels)), labels, fontsize="small")
    axis.invert_yaxis()
    axis.margins(x=0.1)
    axis.set_xlabel("ms")
    axis.set_title("other blocks", fontsize="medium", loc="left")
    axis.spines[["top", "right"]].set_visible(False)
