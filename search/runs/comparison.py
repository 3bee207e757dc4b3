"""Comparing searches on one trade-off: what they find within budgets, and of the front."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import process_time
from typing import Any, TypeAlias

import numpy as np

from nasprof.typing import Array, Progress
from search.archives.archive import Archive
from search.engines import engines
from search.objectives.trade_off import TradeOff
from search.quality.indicators import hypervolume, non_dominated
from search.quality.ranking import best
from search.runs.best_known import best_known_front
from search.runs.run import Stop
from search.runs.trial import Trial, union
from spaces import Genes

Entrant: TypeAlias = Callable[[Sequence[float], int, int], Genes]
"""Budgets in ms, evaluations for each of them and a seed to everything evaluated, as genes."""


@dataclass(frozen=True)
class Attempt:
    """What an entrant found with one seed.

    Args:
        top1: of the best within each budget, in percent; nan where nothing is.
        share: hypervolume as a share of the best-known front's.
        cpu_s: processor time taken, evaluations included.
        front: objectives to be minimised of what it found and nothing dominates, ``(n, 2)``.
    """

    top1: Array
    share: float
    evaluations: int
    cpu_s: float
    front: Array


@dataclass(frozen=True)
class Comparison:
    """Entrants beside the best that is known, of which their own findings are part.

    Args:
        best_top1: the best known within each budget, in percent.
        best_front: genes ``(n, n_genes)`` and objectives to be minimised ``(n, 2)``.
    """

    budgets_ms: Sequence[float]
    attempts: Mapping[str, Sequence[Attempt]]
    best_top1: Array
    best_front: tuple[Genes, Array]

    def shortfall(self, name: str) -> Array:
        """Points below the best known within each budget, a row a seed; inf where none met it."""
        found = np.stack([attempt.top1 for attempt in self.attempts[name]])
        return np.where(np.isnan(found), np.inf, self.best_top1 - found)

    def as_dict(self, trade_off: TradeOff) -> dict[str, Any]:
        """As JSON; null where nothing met a budget."""
        genes, values = self.best_front
        return {
            "budgets_ms": list(self.budgets_ms),
            "best_known": {
                "top1": self.best_top1.tolist(),
                "front": [
                    {"arch": arch, "values": {"top1": -first, "latency": second}}
                    for arch, (first, second) in zip(
                        trade_off.space.decode(genes), values.tolist(), strict=True
                    )
                ],
            },
            "engines": {
                name: [_attempt_as_dict(each) for each in attempts]
                for name, attempts in self.attempts.items()
            },
        }


def _attempt_as_dict(attempt: Attempt) -> dict[str, Any]:
    return {
        "top1": [None if np.isnan(value) else value for value in attempt.top1.tolist()],
        "hypervolume_share": attempt.share,
        "evaluations": attempt.evaluations,
        "cpu_s": attempt.cpu_s,
    }


def entrant(trade_off: TradeOff, engine: str, confidence: float | None) -> Entrant:
    """An engine, once for each budget, or once with all evaluations if it searches whole fronts.

    The exact engine evaluates its whole front, however many evaluations it is given.
    """
    return partial(_search, trade_off, engine, confidence)


def _search(
    trade_off: TradeOff,
    engine: str,
    confidence: float | None,
    budgets_ms: Sequence[float],
    evaluations: int,
    seed: int,
) -> Genes:
    if engines.get(engine).seeks_best:
        problems = [trade_off.problem(budget_ms, confidence) for budget_ms in budgets_ms]
        trials = [Trial(problem, engine, Stop(evaluations), seed) for problem in problems]
        return union([trial.run() for trial in trials])[0]
    stop = None if engines.get(engine).ends_itself else Stop(evaluations * len(budgets_ms))
    return Trial(trade_off.problem(), engine, stop, seed).run().genes


def compare(
    trade_off: TradeOff,
    entrants: Mapping[str, Entrant],
    budgets_ms: Sequence[float],
    known: tuple[Genes, Array],
    *,
    confidence: float | None = 0.95,
    evaluations: int = 5000,
    seeds: int = 3,
    progress: Progress | None = None,
) -> Comparison:
    """Let every entrant search with every seed.

    Hypervolumes end at the accuracy of the fastest network and at the latency of the slowest on
    the best-known front.

    Args:
        known: the best front known before, as of :func:`best_known_front`.

    Raises:
        BudgetImpossible: no architecture meets one of the budgets.
    """
    problem = trade_off.problem()
    limits = [trade_off.problem(budget_ms, confidence).worst for budget_ms in budgets_ms]
    found: dict[str, list[tuple[Genes, Array, int, float]]] = {name: [] for name in entrants}
    for number, (name, seed) in enumerate((n, s) for n in entrants for s in range(seeds)):
        if progress is not None:
            progress(number, seeds * len(entrants))
        began = process_time()
        genes = entrants[name](budgets_ms, evaluations, seed)
        cpu_s = process_time() - began
        values = problem.values(genes)
        chosen = non_dominated(values)
        found[name].append((genes[chosen], values[chosen], len(genes), cpu_s))
    front = _front_of(known, [each[:2] for attempts in found.values() for each in attempts])
    corner = np.array([-trade_off.top1(trade_off.extremes.fastest[None])[0], front[1][-1, 1]])
    whole = hypervolume(front[1], corner)
    attempts = {
        name: [
            Attempt(_within(values, limits), hypervolume(values, corner) / whole, n, cpu_s, values)
            for _, values, n, cpu_s in each
        ]
        for name, each in found.items()
    }
    return Comparison(list(budgets_ms), attempts, _within(front[1], limits), front)


def _front_of(
    known: tuple[Genes, Array], found: Sequence[tuple[Genes, Array]]
) -> tuple[Genes, Array]:
    genes = np.concatenate([known[0], *(each for each, _ in found)])
    values = np.concatenate([known[1], *(each for _, each in found)])
    chosen = non_dominated(values)
    return genes[chosen], values[chosen]


def _within(values: Array, limits: Sequence[Array]) -> Array:
    """Top-1 of the best within each of the limits, nan where there is none."""
    places = [best(values, worst) for worst in limits]
    return np.array([np.nan if place is None else -values[place, 0] for place in places])


def known_front(
    trade_off: TradeOff,
    evaluations: int,
    path: Path | None = None,
    progress: Progress | None = None,
) -> tuple[Genes, Array]:
    """The best-known front, kept in ``path`` and taken from there if it is of the same models.

    Raises:
        ArchiveMismatch: the file is of other models.
    """
    facts = {"engine": "best-known", "evaluations": evaluations}
    with Archive(trade_off.problem(), facts, path) as archive:
        if len(archive) == 0:
            rng = np.random.default_rng(0)
            archive.add(*best_known_front(trade_off, rng, evaluations, progress))
        return archive.front
