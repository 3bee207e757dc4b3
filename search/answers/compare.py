"""Engines beside each other, and beside the trained generator, on the models of a device."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from devices import Target
from luts import Bound, CostModel
from nasprof.durations import parse_milliseconds
from nasprof.errors import UsageError
from nasprof.log import logger
from nasprof.progress import no_progress
from nasprof.typing import Array, Progress
from search.accuracy.base import AccuracyModel
from search.answers.deployment import resolve_deployment
from search.answers.request import AnswerProgress, ModelOptions
from search.engines import engines as known_engines
from search.generators.entrant import entrant as pnag_entrant
from search.objectives.trade_off import TradeOff
from search.pnag.stored import shelf
from search.runs.comparison import (
    Comparison,
    ComparisonSettings,
    Entrant,
    compare_entrants,
    entrant,
    known_front,
)

ENGINES = ("local", "evo", "nas-mo", "random", "nsga2")
PNAG = "pnag"
"""Instead of an engine: the trained generator."""
_SPREAD = (0.1, 0.3, 0.5, 0.7, 0.9)


@dataclass(frozen=True)
class CompareProgress(AnswerProgress):
    """Whom to tell how far the work has come.

    Args:
        best_known: how many of how many evaluations for the best-known front are done.
        searches: how many of how many searches are done.
    """

    best_known: Progress = no_progress
    searches: Progress = no_progress


@dataclass(frozen=True)
class CompareOptions(ModelOptions):
    """How engines are compared.

    Args:
        confidence: with which networks keep within budgets, between 0 and 1.
        evaluations: networks to evaluate for each budget; engines that search whole fronts get
            those of all budgets together.
        seeds: searches of each engine.
        best_known: networks to evaluate for the front that all are measured against.
        folder: keeps that front for the next comparison.

    Raises:
        UsageError: one of them makes no sense.
    """

    confidence: float = 0.95
    evaluations: int = 2000
    seeds: int = 3
    best_known: int = 100_000
    folder: Path | str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.confidence < 1:
            raise UsageError(f"confidence is {self.confidence!r}, expected between 0 and 1")
        for name, least in (("evaluations", 1), ("seeds", 1), ("best_known", 1000)):
            if getattr(self, name) < least:
                raise UsageError(f"{name} is {getattr(self, name)}, expected at least {least}")

    @property
    def settings(self) -> ComparisonSettings:
        """What every engine is given."""
        return ComparisonSettings(self.confidence, self.evaluations, self.seeds)

    @property
    def path(self) -> Path | None:
        """Where the best-known front is kept."""
        return None if self.folder is None else Path(self.folder) / "best-known.jsonl"


def compare(
    engines: str | Sequence[str] = ENGINES,
    budgets: float | str | Iterable[float | str] = (),
    *,
    device: Target | str | None = None,
    lut: CostModel | Path | str | None = None,
    accuracy: AccuracyModel | Path | str = "imagenet",
    options: CompareOptions | None = None,
    progress: CompareProgress | None = None,
) -> Comparison:
    """Compare what engines find with the same number of evaluations.

    All are measured against the best front that can be found with much effort. What training
    evaluated is not counted for "pnag", but told.

    Args:
        engines: their names, in one text with commas or several; "pnag" is the generator.
        budgets: latencies allowed: numbers are ms, text may name its unit; five over the front
            unless given.
        device: name of a profile, or a target, unless it is the one that ``lut`` was measured on.
        lut: cost model, its name or its file (.json); one's own table of the device unless given.
        accuracy: accuracy model, its name or its file, or measurements (.csv: arch,top1).
        options: everything else.
        progress: told how far the work has come.

    Returns:
        What each engine found: shortfalls at each budget, and shares of the best-known front.

    Raises:
        UsageError: there is no such engine, or models and device do not fit.
        BudgetImpossible: no architecture meets one of the budgets.
        NasprofError: the table of a device elsewhere is missing.

    >>> options = CompareOptions(evaluations=50, seeds=1, best_known=1000)
    >>> table = "cpu-onnxruntime-fp32-ofa-mbv3-w1.0-r224"
    >>> sorted(compare("local,random", "12ms", lut=table, options=options).attempts)
    ['local', 'random']
    """
    options, progress = options or CompareOptions(), progress or CompareProgress()
    names, budgets_ms = _entrants(engines), _times(budgets)
    trade_off = resolve_deployment(device, lut, accuracy, options, progress).trade_off
    for budget_ms in budgets_ms:
        trade_off.problem(budget_ms, options.confidence)
    entrant_of = partial(_entrant, trade_off, options.confidence, progress.training)
    entrants = dict(zip(names, map(entrant_of, names), strict=True))
    known = known_front(trade_off, options.best_known, options.path, progress.best_known)
    times_ms = budgets_ms or _spread(known[1], trade_off.bound(options.confidence))
    return compare_entrants(
        trade_off, entrants, times_ms, known, options.settings, progress.searches
    )


def _entrants(engines: str | Sequence[str]) -> list[str]:
    """Names of what is compared, each once.

    Raises:
        UsageError: there is no such engine.
    """
    listed = engines.split(",") if isinstance(engines, str) else engines
    names = list(dict.fromkeys(name.strip() for name in listed))
    for name in names:
        if name != PNAG:
            known_engines.get(name)
    return names


def _times(budgets: float | str | Iterable[float | str]) -> list[float]:
    """Budgets in ms, in order and each once."""
    several = [budgets] if isinstance(budgets, int | float | str) else budgets
    return sorted({parse_milliseconds(budget) for budget in several})


def _entrant(trade_off: TradeOff, confidence: float, training: Progress, name: str) -> Entrant:
    """An engine, or the generator for the models, which is trained if need be."""
    if name != PNAG:
        return entrant(trade_off, name, confidence)
    generator = shelf.ready(trade_off, progress=training)
    evaluations = generator.provenance.get("evaluations", "an unknown number of")
    logger.info(f"{PNAG} was trained once with {evaluations} evaluations, which are not counted")
    return pnag_entrant(trade_off, generator, confidence)


def _spread(front: Array, bound: Bound) -> list[float]:
    """Budgets in ms at equal ratios over the upper bounds of a front ``(n, 2)``."""
    low, high = bound.upper(front[[0, -1], 1]).tolist()
    return [float(f"{low * (high / low) ** share:.3g}") for share in _SPREAD]
