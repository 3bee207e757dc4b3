"""Pictures of answers: what the architectures look like, and where they lie on the front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nasprof.figures import new_figure, save_figure
from search.answers.replies import Front, Replies
from search.pictures.sketch import Sketch, sketch

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

    from search.generators.answers import Answer
    from search.objectives.trade_off import TradeOff

# Of Okabe and Ito's palette, which the colour-blind can tell apart.
COLOURS = ("#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#D55E00")
_FRONT, _BUDGET = "#0072B2", "#555555"
_SHOWN = 5
"""Architectures drawn; those of more budgets lie on the front only."""


@dataclass(frozen=True)
class DrawnAnswer:
    """An answer to a budget, as it is drawn.

    Args:
        measured_ms: None where it was not measured.
    """

    budget_ms: float
    answer: Answer
    measured_ms: float | None = None


def plot_answers(
    trade_off: TradeOff,
    shown: Sequence[DrawnAnswer],
    front: Sequence[Answer],
    title: str,
    path: Path,
) -> None:
    """Write architectures, and the front with budgets and answers, as PNG.

    Args:
        front: answers to budgets over the whole range.

    Raises:
        NasprofError: the file cannot be written.
    """
    drawn = shown[:_SHOWN]
    height = max(4.0, 0.8 + 1.45 * len(drawn))
    width = 14.0 if drawn else 7.0
    figure = new_figure(title, width, height)
    right: Figure | SubFigure = figure
    if drawn:
        left, right = figure.subfigures(1, 2, squeeze=False, width_ratios=(1.1, 1))[0]
        _draw_architectures(left, trade_off, drawn)
    _draw_front(right.subplots(), shown, front, trade_off.cost.clock)
    save_figure(figure, path)


def plot_replies(replies: Replies, path: Path | str) -> None:
    """Write what budgets are answered with, and the front around them, as PNG.

    Args:
        replies: of :func:`search.generate`, whose architectures are drawn as well; of
            :func:`search.front` the front alone is.
        path: of the picture.

    Raises:
        NasprofError: the file cannot be written.

    >>> from search import AnswerOptions, front
    >>> options = AnswerOptions(generator="mine.npz", samples=16)
    >>> table = "cpu-onnxruntime-fp32-ofa-mbv3-w1.0-r224"
    >>> plot_replies(front(3, lut=table, options=options), "front.png")
    """
    context = replies.context
    shown = [
        DrawnAnswer(reply.budget_ms, reply.best.answer, reply.best.measured_ms)
        for reply in replies
        if reply.results and not isinstance(replies, Front)
    ]
    plot_answers(context.trade_off, shown, replies.front(), context.heading(), Path(path))


# --- architectures ------------------------------------------------------------------------------


def _draw_architectures(
    figure: SubFigure, trade_off: TradeOff, shown: Sequence[DrawnAnswer]
) -> None:
    from matplotlib.patches import Patch

    rows = figure.subplots(len(shown), 1, squeeze=False)[:, 0]
    sketches = [sketch(trade_off.space, answered.answer.genes) for answered in shown]
    for axes, answered, drawing in zip(rows, shown, sketches, strict=True):
        _draw_sketch(axes, drawing)
        axes.set_title(_caption(answered), fontsize="medium", loc="left")
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


def _caption(shown: DrawnAnswer) -> str:
    answer = shown.answer
    measured = "" if shown.measured_ms is None else f", {shown.measured_ms:.4g} measured"
    return (
        f"{shown.budget_ms:.4g} ms: top-1 {answer.top1:.2f} %, "
        f"{answer.latency_ms:.4g} ms predicted{measured}"
    )


def _draw_sketch(axes: Axes, drawing: Sketch) -> None:
    """Boxes side by side, a gap between groups, an outline where there is none."""
    x, centres = 0.0, []
    for group in drawing.boxes:
        centres.append(x + (len(group) - 1) / 2)
        for box in group:
            if box.height:
                axes.bar(x, box.height, 0.9, color=COLOURS[box.colour % len(COLOURS)])
                axes.text(x, 0.06, box.label, ha="center", va="bottom", fontsize=6.5)
            else:
                axes.bar(x, 1.0, 0.9, fill=False, edgecolor="#cccccc", linestyle=":")
            x += 1
        x += 0.6
    axes.set_xticks(centres, drawing.groups, fontsize="small")
    axes.set_yticks([])
    axes.set_ylim(0, 1.05)
    axes.set_xlim(-0.7, x - 0.9)
    axes.tick_params(length=0)
    axes.spines[["top", "left", "right"]].set_visible(False)


# --- the front ----------------------------------------------------------------------------------


def _draw_front(
    axes: Axes, shown: Sequence[DrawnAnswer], front: Sequence[Answer], clock: str
) -> None:
    """Predicted front, a line a budget, its answer, and what was measured of it."""
    if front:
        ordered = sorted(front, key=lambda answer: answer.latency_ms)
        times, accuracies = _coordinates(ordered)
        axes.plot(times, accuracies, ".-", color=_FRONT, label="answers over the range")
    for number, answered in enumerate(shown):
        # One entry in the legend stands for all of them.
        label = "budget" if number == 0 else "_budget"
        axes.axvline(answered.budget_ms, color=_BUDGET, linestyle="--", linewidth=1, label=label)
    if shown:
        _draw_answers(axes, shown)
    _limit(axes, [answered.budget_ms for answered in shown], front)
    axes.set_xlabel(f"latency, ms ({clock} clock)")
    axes.set_ylabel("predicted top-1, %")
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower right", fontsize="small")


def _limit(axes: Axes, budgets_ms: Sequence[float], front: Sequence[Answer]) -> None:
    """Leave out budgets far above the slowest network, which would press all others together."""
    slowest_ms = max((answer.upper_ms for answer in front), default=np.inf)
    left, right = axes.get_xlim()
    if max(budgets_ms, default=0.0) > 1.1 * slowest_ms:
        axes.set_xlim(max(0.0, left), min(right, 1.1 * slowest_ms))


def _draw_answers(axes: Axes, shown: Sequence[DrawnAnswer]) -> None:
    """Answers with one standard deviation upwards and downwards, and up to their upper bounds."""
    answers = [answered.answer for answered in shown]
    times, accuracies = _coordinates(answers)
    reach = np.array([max(0.0, answer.upper_ms - answer.latency_ms) for answer in answers])
    spread = np.array([answer.std or 0.0 for answer in answers])
    axes.errorbar(
        times,
        accuracies,
        spread,
        np.stack([np.zeros_like(reach), reach]),
        fmt="o",
        color=COLOURS[4],
        capsize=3,
        label="answers: predicted, ± std, upper bound",
    )
    measured = [
        (answered.measured_ms, answered.answer.top1)
        for answered in shown
        if answered.measured_ms is not None
    ]
    if measured:
        axes.plot(
            *zip(*measured, strict=True),
            "x",
            color="black",
            markersize=8,
            label="answers: measured",
        )


def _coordinates(answers: Sequence[Answer]) -> tuple[list[float], list[float]]:
    return [answer.latency_ms for answer in answers], [answer.top1 for answer in answers]
