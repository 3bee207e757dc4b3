"""What budgets are answered with, and what is to be noted about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from nasprof.errors import NasprofError
from nasprof.results import Records
from nasprof.typing import JsonObject
from search.answers.candidates import Candidates, Propose, spread_budgets
from search.answers.context import Context
from search.answers.verification import Verification
from search.generators.answers import Answer
from search.naming import exactly
from spaces import Arch


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

    def to_dict(self) -> JsonObject:
        """As JSON."""
        return {
            "top1": self.answer.top1,
            "latency_ms": self.answer.latency_ms,
            "upper_ms": self.answer.upper_ms,
            "measured_ms": self.measured_ms,
            "clocked_ms": self.clocked_ms,
        }


@dataclass(frozen=True)
class Result:
    """A network that answers a budget.

    Args:
        name: of its files: the budget, and its rank if there are several.
        context: what it is an answer of.
        answer: its genes, predicted accuracy and latency.
        measured_ms: at the speed stated, measured once more after it was accepted; None where it
            was not.
        files: written of it.
        evaluated: its accuracy on test images with a supernet's weights, see
            :meth:`supernets.Evaluation.to_dict`; empty where it was not evaluated.
    """

    name: str
    context: Context
    answer: Answer
    measured_ms: float | None = None
    files: list[str] = field(default_factory=list)
    evaluated: JsonObject = field(default_factory=dict)

    @property
    def arch(self) -> Arch:
        """The architecture, as JSON."""
        return self.context.arch(self.answer)

    @property
    def top1(self) -> float:
        """Predicted top-1 accuracy in percent."""
        return self.answer.top1

    @property
    def latency_ms(self) -> float:
        """Predicted latency, at the speed stated."""
        return self.answer.latency_ms

    @property
    def upper_ms(self) -> float:
        """What it takes at most at that speed, with the confidence asked for."""
        return self.answer.upper_ms

    def to_dict(self) -> JsonObject:
        """As JSON."""
        lower_top1 = self.context.lower_top1(self.answer)
        return {
            "arch": self.arch,
            "top1": self.top1,
            "std": self.answer.std,
            **({} if lower_top1 is None else {"lower_top1": lower_top1}),
            "latency_ms": self.latency_ms,
            "latency_at_table_ms": self.latency_ms / self.context.speed.factor,
            "upper_ms": self.upper_ms,
            "measured_ms": self.measured_ms,
            **({"files": self.files} if self.files else {}),
            **({"evaluated": self.evaluated} if self.evaluated else {}),
        }


@dataclass(frozen=True)
class Reply:
    """What one budget is answered with.

    Args:
        results: networks, most accurate first.
        note: what is to be known of them.
        first_choice: None where answers were not to be measured.
        tried: architectures that were measured.
    """

    budget_ms: float
    context: Context
    results: Sequence[Result]
    note: str | None = None
    first_choice: FirstChoice | None = None
    tried: int = 0

    @property
    def best(self) -> Result:
        """The most accurate network."""
        return self.results[0]

    def to_dict(self) -> JsonObject:
        """As JSON; ``measured_ms`` is null where nothing was measured.

        Latencies are at the ``speed`` stated, ``clocked_ms`` is as the clock had it.
        """
        context = self.context
        cost = context.trade_off.cost
        return {
            "budget_ms": self.budget_ms,
            "device": context.device,
            "by": context.by,
            "lut": cost.name,
            "accuracy": context.trade_off.accuracy.name,
            "clock": cost.clock,
            "speed": context.speed.to_dict(),
            "minimum_ms": context.minimum_ms,
            "maximum_ms": context.maximum_ms,
            "note": self.note,
            "first_choice": None if self.first_choice is None else self.first_choice.to_dict(),
            "tried": self.tried,
            "results": [result.to_dict() for result in self.results],
        }


class Replies(Records[Reply]):
    """Replies to budgets, in their order.

    Args:
        replies: one a budget.
        context: what they are of.
        propose: gives further answers of the same answerer.
        error: what kept them from being complete: an interruption, a file that could not be
            written. They hold what there is all the same.
    """

    def __init__(
        self,
        replies: Iterable[Reply],
        context: Context,
        propose: Propose,
        error: NasprofError | None = None,
    ) -> None:
        super().__init__(replies)
        self.context = context
        self.error = error
        self._propose = propose

    def __repr__(self) -> str:
        budgets = ", ".join(f"{reply.budget_ms:g} ms" for reply in self)
        return f"{type(self).__name__}({budgets})"

    def raise_for_error(self) -> None:
        """Raise what kept the replies from being complete, if anything did.

        Raises:
            NasprofError: see ``error``.
        """
        if self.error is not None:
            raise self.error

    def front(self, points: int = 20) -> list[Answer]:
        """Answers to ``points`` budgets, evenly spread over the whole range."""
        budgets_ms = spread_budgets(self.context.minimum_ms, self.context.maximum_ms, points)
        return [answers[0] for answers in self._propose(budgets_ms)]

    def to_dict(self) -> JsonObject | list[JsonObject]:  # type: ignore[override]  # as printed
        """As JSON: an object for one budget, a list for several, as the command prints it."""
        replies = super().to_dict()
        return replies[0] if len(replies) == 1 else replies

    def rows(self) -> list[JsonObject]:
        """A row a network, under its budget."""
        return [
            {"budget_ms": reply.budget_ms, "name": result.name, **result.to_dict()}
            for reply in self
            for result in reply.results
        ]


class Front(Replies):
    """Replies to budgets over the whole range, each with one network."""

    def front(self, points: int | None = None) -> list[Answer]:
        """Their own answers, or those to another number of budgets."""
        if points is None:
            return [reply.best.answer for reply in self]
        return super().front(points)

    def to_dict(self) -> list[JsonObject]:
        """As JSON."""
        return [reply.to_dict() for reply in self]


def reply(candidates: Candidates, verification: Verification, context: Context) -> Reply:
    """The reply to one budget after what was measured, if anything was."""
    answers, budget_ms = verification.final(candidates), candidates.budget_ms
    several = verification.top > 1
    numbers = [f"-{number}" for number, _ in enumerate(answers, 1)] if several else [""]
    results = [
        Result(
            f"{exactly(budget_ms)}ms{number}", context, answer, verification.confirmed_ms(answer)
        )
        for number, answer in zip(numbers, answers, strict=True)
    ]
    notes = [
        *_range_notes(budget_ms, results, context),
        *_miss_notes(candidates, verification),
        *_confirmation_notes(budget_ms, results, verification),
    ]
    first = candidates.first
    return Reply(
        budget_ms,
        context,
        results,
        "; ".join(notes) or None,
        FirstChoice(first, verification.measured_ms(first), verification.clocked_ms(first)),
        verification.tried(candidates),
    )


def _range_notes(budget_ms: float, results: Sequence[Result], context: Context) -> list[str]:
    if budget_ms < context.minimum_ms:
        return [
            f"no network is known to run under {context.minimum_ms:.4g} ms; this is the fastest"
        ]
    if budget_ms > context.maximum_ms and results:
        left_ms = budget_ms - results[0].upper_ms
        return [f"every network runs under {context.maximum_ms:.4g} ms; {left_ms:.4g} ms are left"]
    return []


def _miss_notes(candidates: Candidates, verification: Verification) -> list[str]:
    misses = verification.missing(candidates)
    if not misses:
        return []
    times = ", ".join(f"{verification.measured_ms(answer):.4g}" for answer in misses)
    budget_ms = candidates.budget_ms
    if any(verification.misses(answer, budget_ms) for answer in verification.final(candidates)):
        return [f"none of those measured meets the budget ({times} ms); this is the nearest"]
    return [f"more accurate ones missed the budget when measured ({times} ms)"]


def _confirmation_notes(
    budget_ms: float, results: Sequence[Result], verification: Verification
) -> list[str]:
    held = [result for result in results if not verification.misses(result.answer, budget_ms)]
    over = [time_ms for result in held if (time_ms := result.measured_ms or 0.0) > budget_ms]
    if not over:
        return []
    times = ", ".join(f"{time_ms:.4g}" for time_ms in over)
    return [f"it held, but missed the budget when measured once more ({times} ms)"]
