"""One search of an engine on a problem, kept for as long as its code does not change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from engine_problems import (
    budgets,
    evaluated_by,
    make_engine,
    problem_of,
)
from jobs import Job

from search.engine import engines


@dataclass(frozen=True)
class Run(Job):
    """A search for the whole front, or within several budgets where an engine needs one.

    Args:
        settings: of the engine, as pairs.
        free: whether latencies cost nothing, so that engines may ask for them.
    """

    engine: str = ""
    evaluations: int = 0
    settings: tuple[tuple[str, Any], ...] = ()
    free: bool = False

    def run(self) -> dict[str, Any]:
        problem = problem_of(self.platform)
        if self.free:
            top1, latency = problem.objectives
            problem = replace(problem, objectives=(top1, replace(latency, free=True)))
        if not engines.get(self.engine).needs_limit:
            engine = make_engine(self.engine, problem, self.seed, **dict(self.settings))
            return {"values": evaluated_by(engine, problem, self.evaluations)[1].tolist()}
        limits = budgets(self.platform)
        found = []
        for budget_ms in limits:
            limited = replace(problem, limits={"latency": budget_ms})
            engine = make_engine(self.engine, limited, self.seed, **dict(self.settings))
            found.append(evaluated_by(engine, problem, self.evaluations // len(limits))[1])
        return {"values": np.concatenate(found).tolist()}
