"""Pictures of answers: what the architectures look like, and where they lie on the front."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nasprof.files import write_atomic
from search.pictures.sketch import Sketch, sketch

if TYPE_CHECKING:
    from search.objectives.trade_off import TradeOff
    from search.pnag.answers import Answer

# Of Okabe and Ito's palette, which the colour-blind can tell apart.
COLOURS = ("#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#D55E00")
_FRONT, _BUDGET = "#0072B2", "#555555"
_SHOWN = 5
"""Architectures drawn; those of more budgets lie on the front only."""


@dataclass(frozen=True)
class Shown:
    """An answer to a budget, as it is drawn.

    Args:
        measured_ms: None where it was not measured.
    """

    budget_ms: float
    answer: Answer
    measured_ms: float | None = None


def plot_answers(
    trade_off: TradeOff, shown: Sequence[Shown], front: Sequence[Answer], title: str, path: Path
) -> None:
    """Write architectures, and the front with budgets and answers, as PNG.

    Args:
        front: answers to budgets over the whole range.

    Raises:
        NasprofError: the file cannot be written.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    drawn = shown[:_SHOWN]
    height = max(4.0, 0.8 + 1.45 * len(drawn))
    width = 14.0 if drawn else 7.0
    figure = pyplot.figure(figsize=(width, height), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", fontsize="large")
    right: Any = figure
    if drawn:
        parts: Any = figure.subfigures(1, 2, width_ratios=(1.1, 1))
        left, right = parts
        _draw_architectures(left, trade_off, drawn)
    _draw_front(right.subplots(), shown, front, trade_off.cost.clock)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=130)
    pyplot.close(figure)
    write_atomic(path, buffer.getvalue())


# --- architectures ------------------------------------------------------------------------------


def _draw_architectures(figure: Any, trade_off: TradeOff, shown: Sequence[Shown]) -> None:
    from matplotlib.patches import Patch

    axes = figure.subplots(len(shown), 1, squeeze=False)[:, 0]
    sketches = [sketch(trade_off.space, each.answer.genes) for each in shown]
    for axis, each, drawing in zip(axes, shown, sketches, strict=True):
        _draw_sketch(axis, drawing)
        axis.set_title(_caption(each), fontsize="medium", loc="left")
    last = sketches[-1]
    used = sorted({box.colour for s in sketches for g in s.boxes for box in g if box.height})
    legend = [Patch(color=COLOURS[number], label=last.colours[number]) for number in used]
    heading = f"height: {last.height}" if last.height else None
    figure.legend(
        handles=legend,
        loc="outside lower left",
        ncols=len(used),
        frameon=False,
        fontsize="small",
        title=heading,
        title_fontsize="small",
        alignment="left",
    )


def _caption(shown: Shown) -> str:
    answer = shown.answer
    measured = "" if shown.measured_ms is None else f", {shown.measured_ms:.4g} measured"
    return (
        f"{shown.budget_ms:.4g} ms: top-1 {answer.top1:.2f} %, "
        f"{answer.latency_ms:.4g} ms predicted{measured}"
    )


def _draw_sketch(axis: Any, drawing: Sketch) -> None:
    """Boxes side by side, a gap between groups, an outline where there is none."""
    place, centres = 0.0, []
    for group in drawing.boxes:
        centres.append(place + (len(group) - 1) / 2)
        for box in group:
            if box.height:
                axis.bar(place, box.height, 0.9, color=COLOURS[box.colour % len(COLOURS)])
                axis.text(place, 0.06, box.label, ha="center", va="bottom", fontsize=6.5)
            else:
                axis.bar(place, 1.0, 0.9, fill=False, edgecolor="#cccccc", linestyle=":")
            place += 1
        place += 0.6
    axis.set_xticks(centres, drawing.groups, fontsize="small")
    axis.set_yticks([])
    axis.set_ylim(0, 1.05)
    axis.set_xlim(-0.7, place - 0.9)
    axis.tick_params(length=0)
    axis.spines[["top", "left", "right"]].set_visible(False)


# --- the front ----------------------------------------------------------------------------------


def _draw_front(axis: Any, shown: Sequence[Shown], front: Sequence[Answer], clock: str) -> None:
    """Predicted front, a line a budget, its answer, and what was measured of it."""
    if front:
        ordered = sorted(front, key=lambda answer: answer.latency_ms)
        times, accuracies = _places(ordered)
        axis.plot(times, accuracies, ".-", color=_FRONT, label="answers over the range")
    for number, each in enumerate(shown):
        label = {"label": "budget"} if number == 0 else {}
        axis.axvline(each.budget_ms, color=_BUDGET, linestyle="--", linewidth=1, **label)
    if shown:
        _draw_answers(axis, shown)
    _limit(axis, [each.budget_ms for each in shown], front)
    axis.set_xlabel(f"latency, ms ({clock} clock)")
    axis.set_ylabel("predicted top-1, %")
    axis.grid(alpha=0.3)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(loc="lower right", fontsize="small")


def _limit(axis: Any, budgets_ms: Sequence[float], front: Sequence[Answer]) -> None:
    """Leave out budgets far above the slowest network, which would press all others together."""
    slowest_ms = max((answer.upper_ms for answer in front), default=np.inf)
    left, right = axis.get_xlim()
    if max(budgets_ms, default=0.0) > 1.1 * slowest_ms:
        axis.set_xlim(max(0.0, left), min(right, 1.1 * slowest_ms))


def _draw_answers(axis: Any, shown: Sequence[Shown]) -> None:
    """Answers with one standard deviation upwards and downwards, and up to their upper bounds."""
    answers = [each.answer for each in shown]
    times, accuracies = _places(answers)
    reach = np.array([max(0.0, answer.upper_ms - answer.latency_ms) for answer in answers])
    spread = np.array([answer.std or 0.0 for answer in answers])
    axis.errorbar(
        times,
        accuracies,
        spread,
        np.stack([np.zeros_like(reach), reach]),
        fmt="o",
        color=COLOURS[4],
        capsize=3,
        label="answers: predicted, ± std, upper bound",
    )
    measured = [each for each in shown if each.measured_ms is not None]
    if measured:
        taken = [each.measured_ms for each in measured]
        heights = [each.answer.top1 for each in measured]
        axis.plot(taken, heights, "x", color="black", markersize=8, label="answers: measured")


def _places(answers: Sequence[Answer]) -> tuple[list[float], list[float]]:
    return [each.latency_ms for each in answers], [each.top1 for each in answers]
