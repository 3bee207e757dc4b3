"""Budgets as they are written: times for latency, numbers for anything by name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite

from nasprof.durations import parse_milliseconds
from nasprof.errors import UsageError
from search.naming import exactly
from search.problem import Objective, Problem

_SCALES = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}


@dataclass(frozen=True)
class Budget:
    """The worst value allowed of an objective.

    Args:
        name: of the objective; None for the first latency.
        text: as it was written.
    """

    name: str | None
    text: str

    @classmethod
    def parse(cls, value: float | str) -> Budget:
        """A time, of the first latency, or ``NAME=VALUE`` of any objective.

        Args:
            value: a number is ms.

        Raises:
            UsageError: it is neither.

        >>> Budget.parse("macs=300M")
        Budget(name='macs', text='300M')
        """
        text = exactly(value) if isinstance(value, int | float) else value
        name, separator, rest = text.rpartition("=")
        if not separator:
            parse_milliseconds(text)
        return cls(name if separator else None, rest.strip())


def parse_budgets(
    budgets: float | str | Iterable[float | str | Budget],
) -> tuple[list[Budget], list[float]]:
    """Budgets of objectives by name, and those in ms of the first latency.

    Raises:
        UsageError: one of them is no budget, or a time is there twice.
    """
    given = [budgets] if isinstance(budgets, int | float | str) else budgets
    parsed = [budget if isinstance(budget, Budget) else Budget.parse(budget) for budget in given]
    times_ms = [parse_milliseconds(budget.text) for budget in parsed if budget.name is None]
    if len(set(times_ms)) < len(times_ms):
        raise UsageError("a time is there twice as a budget", "Name each of them once.")
    return [budget for budget in parsed if budget.name is not None], times_ms


def budgets_of(problem: Problem, named: list[Budget], budget_ms: float | None) -> dict[str, float]:
    """Budgets by the names of objectives, in their units.

    Args:
        named: each of an objective.
        budget_ms: of the first latency.

    Raises:
        UsageError: there is no such objective, or a budget is no number.
    """
    budgets: dict[str, float] = {}
    for budget in named:
        objective = _objective(problem, budget.name or "")
        _set(budgets, objective, value_of(budget.text, objective.name, objective.unit))
    if budget_ms is not None:
        _set(budgets, first_latency(problem), budget_ms)
    return budgets


def _set(budgets: dict[str, float], objective: Objective, value: float) -> None:
    if objective.name in budgets:
        raise UsageError(f"there are two budgets for {objective.name!r}", "Set one of them.")
    budgets[objective.name] = value


def first_latency(problem: Problem) -> Objective:
    """The objective that a bare time is the budget of.

    Raises:
        UsageError: no objective is in ms.
    """
    for objective in problem.objectives:
        if objective.unit == "ms":
            return objective
    names = ", ".join(objective.name for objective in problem.objectives)
    raise UsageError(
        f"a time is no budget for any of the objectives: {names}",
        "Name the objective: --budget NAME=VALUE.",
    )


def _objective(problem: Problem, name: str) -> Objective:
    for objective in problem.objectives:
        if objective.name == name:
            return objective
    names = ", ".join(objective.name for objective in problem.objectives)
    raise UsageError(f"a budget is of {name!r}, which is no objective", f"Objectives: {names}.")


def value_of(text: str, name: str, unit: str) -> float:
    """A limit in an objective's unit: a number, with k, M or G behind it, or a time.

    Args:
        text: as it was written.
        name: of the objective, for messages.
        unit: of the objective.

    Raises:
        UsageError: it is none.

    >>> value_of("5M", "macs", "MACs")
    5000000.0
    """
    if unit == "ms":
        return parse_milliseconds(text)
    match = re.fullmatch(r"([-+.\deE]+) ?([kMG]?)%?", text)
    try:
        value = float(match[1]) * _SCALES[match[2]] if match else float("nan")
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise UsageError(f"the budget of {name!r} is {text!r}, expected a number like 75 or 5M")
    return value
