"""Replies to budgets as commands print them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nasprof.cli import print_json, show_table
from search.naming import brief_arch, exactly

if TYPE_CHECKING:
    from search.answers.context import Context
    from search.answers.replies import Replies, Reply, Result

_MEANING = (
    "at most: the network keeps it with {confidence:.0%} confidence, at the speed stated; "
    "measured: once more after it was accepted, at that speed"
)
"""What the columns are."""


def show_replies(replies: Replies, as_json: bool) -> None:
    """Print replies as JSON or as a table with notes."""
    if as_json:
        print_json(replies.to_dict())
        return
    cells = [row for reply in replies for row in _rows(reply)]
    context = replies.context
    show_table(_columns(context), cells, context.heading(), _notes(replies))


def _notes(replies: Replies) -> list[str]:
    """What the columns are and what is to be known of answers; nothing where none was measured."""
    from search.answers.replies import Front

    if isinstance(replies, Front):
        return []
    context, results = replies.context, [one for reply in replies for one in reply.results]
    notes = [_MEANING.format(confidence=context.confidence)]
    if context.speed.of == "today":
        times = ", ".join(f"{one.latency_ms / context.speed.factor:.2f}" for one in results)
        notes.append(f"latency at the table's speed: {times} ms")
    notes += [f"{exactly(reply.budget_ms)} ms: {reply.note}" for reply in replies if reply.note]
    notes += [
        f"{one.name}: {one.evaluated['top1']:.2f} % of {one.evaluated['n']:,} test images "
        f"({one.evaluated['low']:.2f} to {one.evaluated['high']:.2f}), with the supernet's weights"
        for one in results
        if one.evaluated
    ]
    return notes + [f"written: {file}" for one in results for file in one.files]


def _columns(context: Context) -> tuple[str, ...]:
    """Headings; ``at least`` only where accuracies of answers were measured."""
    least = () if context.least is None else (">at least",)
    times = (">latency ms", ">at most", ">measured")
    return (">budget ms", ">top-1 %", ">±", *least, *times, "architecture")


def _rows(reply: Reply) -> list[tuple[str, ...]]:
    """A reply as cells; the budget stands with its first architecture."""
    budget = f"{reply.budget_ms:.4g}"
    return [
        (budget if number == 0 else "", *_cells(result))
        for number, result in enumerate(reply.results)
    ]


def _cells(result: Result) -> tuple[str, ...]:
    lower_top1 = result.context.lower_top1(result.answer)
    return (
        f"{result.top1:.2f}",
        "-" if result.answer.std is None else f"{result.answer.std:.2f}",
        *([] if lower_top1 is None else [f"{lower_top1:.2f}"]),
        f"{result.latency_ms:.2f}",
        f"{result.upper_ms:.2f}",
        "-" if result.measured_ms is None else f"{result.measured_ms:.2f}",
        brief_arch(result.arch),
    )
