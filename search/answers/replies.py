"""Answers to budgets as they are told: as JSON and with what is to be noted about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from search.answers.verify import Candidates, Verification
from search.naming import exactly

if TYPE_CHECKING:
    from search.answers.inquiry import Inquiry
    from search.pnag.answers import Answer


@dataclass(frozen=True)
class FirstChoice:
    """What a budget would be answered with if nothing had been measured.

    Args:
        measured_ms: at the speed stated, None where it was not measured.
        clocked_ms: trimmed mean as the clock had it, None likewise.
    """

    answer: Answer
    measured_ms: float | None
    clocked_ms: float | None


@dataclass(frozen=True)
class Result:
    """An architecture that answers a budget.

    Args:
        name: of its files: the budget, and its rank if there are several.
        measured_ms: at the speed stated, measured once more after it was accepted; None where it
            was not.
    """

    name: str
    answer: Answer
    measured_ms: float | None
    files: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Reply:
    """What one budget is answered with.

    Args:
        first: None where answers were not to be measured.
        tried: architectures that were measured.
    """

    budget_ms: float
    results: list[Result]
    note: str | None
    first: FirstChoice | None = None
    tried: int = 0


@dataclass(frozen=True)
class Range:
    """What the fastest and the slowest architecture take at most, at some confidence."""

    minimum_ms: float
    maximum_ms: float

    def spread(self, points: int) -> list[float]:
        """Budgets evenly spread over the range."""
        step = (self.maximum_ms - self.minimum_ms) / max(1, points - 1)
        return [self.minimum_ms + step * number for number in range(points)]


def reply(candidates: Candidates, found: Verification, span: Range) -> Reply:
    """The reply to one budget after what was measured, if anything was."""
    answers = found.final(candidates)
    numbers = [f"-{number}" for number, _ in enumerate(answers, 1)] if found.top > 1 else [""]
    name = f"{exactly(candidates.budget_ms)}ms"
    results = [
        Result(name + number, answer, found.confirmed_ms(answer))
        for number, answer in zip(numbers, answers, strict=True)
    ]
    notes = [
        *_range_notes(candidates.budget_ms, results, span),
        *_miss_notes(candidates, found),
        *_confirmation_notes(candidates.budget_ms, results, found),
    ]
    first = FirstChoice(
        candidates.first, found.measured_ms(candidates.first), found.clocked_ms(candidates.first)
    )
    note = "; ".join(notes) or None
    return Reply(candidates.budget_ms, results, note, first, found.tried(candidates))


def _range_notes(budget_ms: float, results: list[Result], span: Range) -> list[str]:
    if budget_ms < span.minimum_ms:
        return [f"no network is known to run under {span.minimum_ms:.4g} ms; this is the fastest"]
    if budget_ms > span.maximum_ms and results:
        left_ms = budget_ms - results[0].answer.upper_ms
        return [f"every network runs under {span.maximum_ms:.4g} ms; {left_ms:.4g} ms are left"]
    return []


def _miss_notes(candidates: Candidates, found: Verification) -> list[str]:
    misses = found.missing(candidates)
    if not misses:
        return []
    times = ", ".join(f"{found.measured_ms(each):.4g}" for each in misses)
    if any(found.misses(each, candidates.budget_ms) for each in found.final(candidates)):
        return [f"none of those measured meets the budget ({times} ms); this is the nearest"]
    return [f"more accurate ones missed the budget when measured ({times} ms)"]


def _confirmation_notes(budget_ms: float, results: list[Result], found: Verification) -> list[str]:
    held = [each for each in results if not found.misses(each.answer, budget_ms)]
    over = [time_ms for each in held if (time_ms := each.measured_ms or 0.0) > budget_ms]
    if not over:
        return []
    times = ", ".join(f"{time_ms:.4g}" for time_ms in over)
    return [f"it held, but missed the budget when measured once more ({times} ms)"]


def as_dict(reply: Reply, inquiry: Inquiry) -> dict[str, Any]:
    """A reply as JSON; ``measured_ms`` is null where nothing was measured.

    Latencies are at the ``speed`` stated, ``clocked_ms`` is as the clock had it.
    """
    site, span = inquiry.site, inquiry.span
    space, cost = site.trade_off.space, site.trade_off.cost
    return {
        "budget_ms": reply.budget_ms,
        "device": site.name,
        "lut": cost.name,
        "accuracy": site.trade_off.accuracy.name,
        "clock": cost.clock,
        "speed": inquiry.speed.as_dict(),
        "minimum_ms": span.minimum_ms,
        "maximum_ms": span.maximum_ms,
        "note": reply.note,
        "first_choice": None if reply.first is None else _first_choice(reply.first),
        "tried": reply.tried,
        "results": [
            {
                "arch": space.decode(result.answer.genes[None])[0],
                "top1": result.answer.top1,
                "std": result.answer.std,
                **_lower(inquiry, result.answer),
                "latency_ms": result.answer.latency_ms,
                "latency_at_table_ms": result.answer.latency_ms / inquiry.speed.factor,
                "upper_ms": result.answer.upper_ms,
                "measured_ms": result.measured_ms,
                **({"files": result.files} if result.files else {}),
            }
            for result in reply.results
        ],
    }


def _lower(inquiry: Inquiry, answer: Answer) -> dict[str, float]:
    lower_top1 = inquiry.lower_top1(answer)
    return {} if lower_top1 is None else {"lower_top1": lower_top1}


def _first_choice(first: FirstChoice) -> dict[str, Any]:
    return {
        "top1": first.answer.top1,
        "latency_ms": first.answer.latency_ms,
        "upper_ms": first.answer.upper_ms,
        "measured_ms": first.measured_ms,
        "clocked_ms": first.clocked_ms,
    }


def rows(reply: Reply, inquiry: Inquiry) -> list[tuple[str, ...]]:
    """A reply as cells of :func:`columns`; the budget stands with its first architecture."""
    budget = f"{reply.budget_ms:.4g}"
    return [
        (budget if number == 0 else "", *_cells(result, inquiry))
        for number, result in enumerate(reply.results)
    ]


def _cells(result: Result, inquiry: Inquiry) -> tuple[str, ...]:
    answer, lower_top1 = result.answer, inquiry.lower_top1(result.answer)
    return (
        f"{answer.top1:.2f}",
        "-" if answer.std is None else f"{answer.std:.2f}",
        *([] if lower_top1 is None else [f"{lower_top1:.2f}"]),
        f"{answer.latency_ms:.2f}",
        f"{answer.upper_ms:.2f}",
        "-" if result.measured_ms is None else f"{result.measured_ms:.2f}",
        brief_arch(inquiry.site.trade_off.space.decode(answer.genes[None])[0]),
    )


def heading(inquiry: Inquiry) -> str:
    """What answers are of, in a line."""
    site, speed = inquiry.site, inquiry.speed
    models = site.trade_off
    at = "the table's speed"
    if speed.of == "today":
        at = f"today's speed ({speed.factor:.3f} of the table's times, {speed.low:.3f} to "
        at += f"{speed.high:.3f})"
    return (
        f"{models.space.label} on {site.name}: {models.accuracy.name}, {models.cost.name}, "
        f"{models.cost.clock} clock, {at}"
    )


def columns(inquiry: Inquiry) -> tuple[str, ...]:
    """Headings; ``at least`` only where accuracies of answers were measured."""
    least = () if inquiry.least is None else (">at least",)
    times = (">latency ms", ">at most", ">measured")
    return (">budget ms", ">top-1 %", ">±", *least, *times, "architecture")


MEANING = (
    "at most: the network keeps it with {confidence:.0%} confidence, at the speed stated; "
    "measured: once more after it was accepted, at that speed"
)
"""What the columns are."""


def brief_arch(arch: dict[str, Any]) -> str:
    """What distinguishes an architecture from others of its space, in few characters."""
    return " ".join(
        value if isinstance(value, str) else "".join(map(str, value))
        for value in arch.values()
        if isinstance(value, list) or str(value).startswith("|")
    )
