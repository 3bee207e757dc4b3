"""Answers to budgets as they are told: as JSON and with what is to be noted about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from search.delivery.verify import Candidates, Verification

if TYPE_CHECKING:
    from search.delivery.site import Site
    from search.pnag.answers import Answer


@dataclass(frozen=True)
class Result:
    """An architecture that answers a budget.

    Args:
        name: of its files: the budget, and its rank if there are several.
        measured_ms: trimmed mean on the table's clock, None where it was not measured.
    """

    name: str
    answer: Answer
    measured_ms: float | None
    files: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Reply:
    """What one budget is answered with."""

    budget_ms: float
    results: list[Result]
    note: str | None


@dataclass(frozen=True)
class Range:
    """What the fastest and the slowest architecture take at most, at some confidence."""

    minimum_ms: float
    maximum_ms: float

    @classmethod
    def of(cls, site: Site, confidence: float) -> Range:
        """The range of budgets that make a difference."""
        ends, slack = site.trade_off.extremes, site.trade_off.slack(confidence)
        return cls(ends.min_ms * slack, ends.max_ms * slack)

    def spread(self, points: int) -> list[float]:
        """Budgets evenly spread over the range."""
        step = (self.maximum_ms - self.minimum_ms) / max(1, points - 1)
        return [self.minimum_ms + step * number for number in range(points)]


def reply(candidates: Candidates, found: Verification, span: Range) -> Reply:
    """The reply to one budget after what was measured, if anything was."""
    answers = found.final(candidates)
    numbers = [f"-{number}" for number, _ in enumerate(answers, 1)] if found.top > 1 else [""]
    results = [
        Result(f"{candidates.budget_ms:g}ms{number}", answer, found.measured_ms(answer))
        for number, answer in zip(numbers, answers, strict=True)
    ]
    notes = [*_range_notes(candidates.budget_ms, results, span), *_miss_notes(candidates, found)]
    return Reply(candidates.budget_ms, results, "; ".join(notes) or None)


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


def as_dict(reply: Reply, site: Site, span: Range) -> dict[str, Any]:
    """A reply as JSON; ``measured_ms`` is null where nothing was measured."""
    space, cost = site.trade_off.space, site.trade_off.cost
    return {
        "budget_ms": reply.budget_ms,
        "device": site.name,
        "lut": cost.name,
        "accuracy": site.trade_off.accuracy.name,
        "clock": cost.clock,
        "minimum_ms": span.minimum_ms,
        "maximum_ms": span.maximum_ms,
        "note": reply.note,
        "results": [
            {
                "arch": space.decode(result.answer.genes[None])[0],
                "top1": result.answer.top1,
                "std": result.answer.std,
                "latency_ms": result.answer.latency_ms,
                "upper_ms": result.answer.upper_ms,
                "measured_ms": result.measured_ms,
                **({"files": result.files} if result.files else {}),
            }
            for result in reply.results
        ],
    }


def rows(reply: Reply, site: Site) -> list[tuple[str, ...]]:
    """A reply as cells of :data:`COLUMNS`; the budget stands with its first architecture."""
    budget = f"{reply.budget_ms:.4g}"
    return [
        (budget if number == 0 else "", *_cells(result, site))
        for number, result in enumerate(reply.results)
    ]


def _cells(result: Result, site: Site) -> tuple[str, ...]:
    answer = result.answer
    return (
        f"{answer.top1:.2f}",
        "-" if answer.std is None else f"{answer.std:.2f}",
        f"{answer.latency_ms:.2f}",
        f"{answer.upper_ms:.2f}",
        "-" if result.measured_ms is None else f"{result.measured_ms:.2f}",
        brief_arch(site.trade_off.space.decode(answer.genes[None])[0]),
    )


def heading(site: Site) -> str:
    """What answers are of, in a line."""
    models = site.trade_off
    return (
        f"{models.space.label} on {site.name}: {models.accuracy.name}, {models.cost.name}, "
        f"{models.cost.clock} clock"
    )


COLUMNS = (">budget ms", ">top-1 %", ">±", ">latency ms", ">at most", ">measured", "architecture")


def brief_arch(arch: dict[str, Any]) -> str:
    """What distinguishes an architecture from others of its space, in few characters."""
    return " ".join(
        value if isinstance(value, str) else "".join(map(str, value))
        for value in arch.values()
        if isinstance(value, list) or str(value).startswith("|")
    )
