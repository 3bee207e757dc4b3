"""Budgets on the command line: times for latency, numbers for anything by name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

import click

from nasprof.errors import UsageError
from profiler.commands.options import Milliseconds

if TYPE_CHECKING:
    from search.problem import Objective, Problem


@dataclass(frozen=True)
class Budget:
    """The worst value allowed of an objective.

    Args:
        name: of the objective; None for the first latency.
        text: as it was written.
    """

    name: str | None
    text: str


class BudgetType(click.ParamType[Budget]):
    """``12ms`` or ``NAME=VALUE``."""

    name = "TIME|NAME=VALUE"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Budget:
        if isinstance(value, Budget):
            return value
        name, separator, text = str(value).rpartition("=")
        if not separator:
            Milliseconds().convert(text, param, ctx)
        return Budget(name if separator else None, text.strip())


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
        _set(budgets, objective, _value(objective, budget.text))
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
    found = next((each for each in problem.objectives if each.unit == "ms"), None)
    if found is None:
        names = ", ".join(each.name for each in problem.objectives)
        raise UsageError(
            f"a time is no budget for any of the objectives: {names}",
            "Name the objective: --budget NAME=VALUE.",
        )
    return found


def _objective(problem: Problem, name: str) -> Objective:
    for each in problem.objectives:
        if each.name == name:
            return each
    names = ", ".join(each.name for each in problem.objectives)
    raise UsageError(f"a budget is of {name!r}, which is no objective", f"Objectives: {names}.")


_SCALES = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}


def _value(objective: Objective, text: str) -> float:
    """A limit in the objective's unit: a number, with k, M or G behind it, or a time."""
    if objective.unit == "ms":
        return float(Milliseconds().convert(text, None, None))
    found = re.fullmatch(r"([-+.\deE]+) ?([kMG]?)%?", text)
    try:
        value = float(found[1]) * _SCALES[found[2]] if found else float("nan")
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise UsageError(
            f"the budget of {objective.name!r} is {text!r}, expected a number like 75 or 5M"
        )
    return value
