"""What a generator is trained for: a trade-off's objectives, and others by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nasprof.errors import UsageError
from search.objectives.base import objectives
from search.objectives.models import Models
from search.objectives.trade_off import TradeOff
from search.problem import Objective, Problem


def problem_for(trade_off: TradeOff, names: Sequence[str]) -> Problem:
    """The objectives of those names; ``top1`` and ``latency`` are the trade-off's own, and first.

    Args:
        names: as of ``nassearch run --objectives``.

    Raises:
        UsageError: one is unknown or there twice, or one of the trade-off's is missing.
    """
    top1, latency = trade_off.problem().objectives
    own = {"top1": replace(top1, free=False), "latency": replace(latency, free=True)}
    missing = [name for name in own if name not in names]
    if missing:
        raise UsageError(
            f"objectives {', '.join(names)} lack {' and '.join(missing)}",
            "Budgets are of latency, and answers of the best accuracy: name both.",
        )
    if len(set(names)) < len(names):
        raise UsageError(f"an objective is there twice in {', '.join(names)}")
    others = [_named(name, trade_off) for name in names if name not in own]
    return Problem(trade_off.space, (*own.values(), *others))


def _named(name: str, trade_off: TradeOff) -> Objective:
    bare, at, detail = name.partition("@")
    named = objectives.get(bare).of(name, detail if at else None, Models(space=trade_off.space))
    if not named.knows(trade_off.space):
        raise UsageError(f"objective {name!r} is not known in {trade_off.space.label}")
    return named.in_space(trade_off.space)
