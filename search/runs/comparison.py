"""Comparing searches on one trade-off: what they find within budgets, and of the front."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from nasprof.results import frame
from nasprof.typing import Array, JsonObject, Progress
from search.archives.archive import Archive
from search.engines import engines
from search.objectives.trade_off import TradeOff
from search.quality.indicators import hypervolume, non_dominated
from search.quality.ranking import best
from search.runs.best_known import best_known_front
from search.runs.run import Stop
from search.runs.trial import Trial, union
from spaces import Genes

if TYPE_CHECKING:
    import pandas

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
class ComparisonSettings:
    """What every entrant of a comparison is given.

    Args:
        confidence: with which networks keep within budgets; None compares predictions.
        evaluations: networks for each budget.
        seeds: searches of each entrant.
    """

    confidence: float | None = 0.95
    evaluations: int = 5000
    seeds: int = 3


@dataclass(frozen=True)
class Comparison:
    """Entrants beside the best that is known, of which their own findings are part.

    Args:
        attempts: of each entrant by its name, one a seed.
        best_top1: the best known within each budget, in percent: ``(n_budgets,)``.
        best_front: genes ``(n, n_genes)`` and objectives to be minimised ``(n, 2)``.
    """

    trade_off: TradeOff
    budgets_ms: Sequence[float]
    attempts: Mapping[str, Sequence[Attempt]]
    best_top1: Array
    best_front: tuple[Genes, Array]

    @property
    def title(self) -> str:
        """Space and models."""
        models = (self.trade_off.accuracy.name, self.trade_off.cost.name)
        return f"{self.trade_off.space.label}: {', '.join(models)}"

    def shortfall(self, name: str) -> Array:
        """Points below the best known within each budget, a row a seed; inf where none met it."""
        top1 = np.stack([attempt.top1 for attempt in self.attempts[name]])
        return np.where(np.isnan(top1), np.inf, self.best_top1 - top1)

    def to_dict(self) -> JsonObject:
        """As JSON, null where nothing met a budget: what ``nassearch compare --json`` prints."""
        genes, values = self.best_front
        archs = self.trade_off.space.decode(genes)
        return {
            "budgets_ms": list(self.budgets_ms),
            "best_known": {
                "top1": self.best_top1.tolist(),
                "front": [
                    {"arch": arch, "values": {"top1": -first, "latency": second}}
                    for arch, (first, second) in zip(archs, values.tolist(), strict=True)
                ],
            },
            "engines": {
                name: [_attempt_as_dict(attempt) for attempt in attempts]
                for name, attempts in self.attempts.items()
            },
        }

    def to_frame(self) -> pandas.DataFrame:
        """A row an entrant, seed and budget, as a pandas data frame.

        Columns are ``engine``, ``seed``, ``budget_ms``, ``top1`` in percent (nan where nothing met
        the budget), ``shortfall`` in points (inf there), ``hypervolume_share``, ``evaluations``
        and ``cpu_s``.

        Raises:
            UsageError: pandas is not installed.
        """
        return frame(
            {
                "engine": name,
                "seed": seed,
                "budget_ms": budget_ms,
                "top1": attempt.top1[column],
                "shortfall": self.shortfall(name)[seed, column],
                "hypervolume_share": attempt.share,
                "evaluations": attempt.evaluations,
                "cpu_s": attempt.cpu_s,
            }
            for name, attempts in self.attempts.items()
            for seed, attempt in enumerate(attempts)
            for column, budget_ms in enumerate(self.budgets_ms)
        )


def _attempt_as_dict(attempt: Attempt) -> JsonObject:
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


def compare_entrants(
    trade_off: TradeOff,
    entrants: Mapping[str, Entrant],
    budgets_ms: Sequence[float],
    known: tuple[Genes, Array],
    settings: ComparisonSettings | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Let every entrant search with every seed.

    Hypervolumes end at the accuracy of the fastest network and at the latency of the slowest on
    the best-known front.

    Args:
        known: the best front known before, as of :func:`best_known_front`.
        progress: told how many of how many searches are done.

    Raises:
        BudgetImpossible: no architecture meets one of the budgets.
    """
    settings = settings or ComparisonSettings()
    problem = trade_off.problem()
    limits = [trade_off.problem(ms, settings.confidence).worst for ms in budgets_ms]
    searches: dict[str, list[_Search]] = {name: [] for name in entrants}
    pairs = [(name, seed) for name in entrants for seed in range(settings.seeds)]
    for number, (name, seed) in enumerate(pairs):
        if progress is not None:
            progress(number, len(pairs))
        began = process_time()
        genes = entrants[name](budgets_ms, settings.evaluations, seed)
        cpu_s = process_time() - began
        values = problem.values(genes)
        chosen = non_dominated(values)
        searches[name].append(_Search(genes[chosen], values[chosen], len(genes), cpu_s))
    front = _front_of(known, [search for several in searches.values() for search in several])
    corner = np.array([-trade_off.top1(trade_off.extremes.fastest[None])[0], front[1][-1, 1]])
    whole = hypervolume(front[1], corner)
    attempts = {
        name: [search.attempt(limits, corner, whole) for search in several]
        for name, several in searches.items()
    }
    best_top1 = _within(front[1], limits)
    return Comparison(trade_off, list(budgets_ms), attempts, best_top1, front)


@dataclass(frozen=True)
class _Search:
    """What one search evaluated that nothing dominates, and how many it evaluated."""

    genes: Genes
    values: Array
    evaluations: int
    cpu_s: float

    def attempt(self, limits: Sequence[Array], corner: Array, whole: float) -> Attempt:
        """The same beside the best-known front, whose hypervolume up to the corner is given."""
        share = hypervolume(self.values, corner) / whole
        top1 = _within(self.values, limits)
        return Attempt(top1, share, self.evaluations, self.cpu_s, self.values)


def _front_of(known: tuple[Genes, Array], searches: Sequence[_Search]) -> tuple[Genes, Array]:
    genes = np.concatenate([known[0], *(search.genes for search in searches)])
    values = np.concatenate([known[1], *(search.values for search in searches)])
    chosen = non_dominated(values)
    return genes[chosen], values[chosen]


def _within(values: Array, limits: Sequence[Array]) -> Array:
    """Top-1 of the best within each of the limits, nan where there is none."""
    indices = [best(values, worst) for worst in limits]
    return np.array([np.nan if index is None else -values[index, 0] for index in indices])


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
