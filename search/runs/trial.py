"""Running an engine by its name on a trade-off, in memory or on disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nasprof.cli import say
from nasprof.errors import UsageError
from search.engine import Engine, engines
from search.engines.exact import ExactEngine
from search.problem import Problem, TradeOff
from search.runs.archive import Archive
from search.runs.run import BATCH, Progress, run
from spaces import Genes

Array: TypeAlias = NDArray[np.float64]

EVALUATIONS = 5000
"""Of an engine that does not end by itself."""


@dataclass(frozen=True)
class Trial:
    """An engine on a trade-off, once for each budget or once for the whole front.

    Args:
        confidence: with which what is found keeps within its budget.
        evaluations: of each run; None lets an engine that ends by itself end, and others make
            :data:`EVALUATIONS`.
        folder: where archives are kept and gone on with; None for memory only.
        fresh: forget what the folder holds of these runs.
    """

    trade_off: TradeOff
    engine: str
    confidence: float | None = 0.95
    evaluations: int | None = None
    seed: int = 0
    folder: Path | None = None
    fresh: bool = False

    def run(self, budget_ms: float | None, progress: Progress | None = None) -> Archive:
        """Search within one budget, or the whole front; everything evaluated, in order.

        Raises:
            UsageError: the engine is not made for that.
            BudgetImpossible: no architecture meets the budget.
        """
        with self._opened(budget_ms) as archive:
            self._go_on(archive, budget_ms, progress)
        return archive

    def runs(
        self,
        budgets_ms: Sequence[float],
        started: Callable[[Archive], None],
        progress: Progress | None = None,
    ) -> None:
        """Search within each budget, or the whole front if there is none.

        Args:
            started: given each archive before it is filled, so that an interrupt loses nothing.
            progress: of all runs together.
        """
        wanted: list[float | None] = [*budgets_ms] or [None]
        for number, budget_ms in enumerate(wanted):
            with self._opened(budget_ms) as archive:
                started(archive)
                self._go_on(archive, budget_ms, _share(progress, number, len(wanted)))

    def _opened(self, budget_ms: float | None) -> Archive:
        problem = self.trade_off.problem(budget_ms, self.confidence)
        return Archive(problem, self._facts(), self._path(budget_ms), fresh=self.fresh)

    def _go_on(self, archive: Archive, budget_ms: float | None, progress: Progress | None) -> None:
        engine = self._engine(archive.problem, budget_ms)
        run(engine, archive, self._evaluations(engine), progress=progress)

    def _evaluations(self, engine: Engine) -> int:
        if self.evaluations is not None:
            return self.evaluations
        return len(engine.front) if isinstance(engine, ExactEngine) else EVALUATIONS

    def _engine(self, problem: Problem, budget_ms: float | None) -> Engine:
        rng = np.random.default_rng(self.seed)
        if self.engine == "exact":
            additive = additive_trade_off(self.trade_off, rng)
            problem = additive.problem(budget_ms, self.confidence)
        return engines.get(self.engine).create(problem, rng)

    def _path(self, budget_ms: float | None) -> Path | None:
        if self.folder is None:
            return None
        limit = "" if budget_ms is None else f"-{budget_ms:g}ms"
        return self.folder / f"{self.engine}{limit}-seed{self.seed}.jsonl"

    def _facts(self) -> dict[str, Any]:
        facts = {"engine": self.engine, "seed": self.seed, "batch": BATCH}
        return facts | model_facts(self.trade_off)


def model_facts(trade_off: TradeOff) -> dict[str, Any]:
    """The names of the models, and what they say of a few architectures."""
    space = trade_off.space
    ends = space.canonical(np.stack([np.zeros(space.n_genes, np.int8), space.n_choices - 1]))
    probes = np.concatenate([ends, space.sample(4, np.random.default_rng(0), "biased")])
    values = np.stack([trade_off.top1(probes), trade_off.latency_ms(probes)], 1)
    return {
        "models": {"top1": trade_off.accuracy.name, "latency": trade_off.cost.name},
        "probes": [[float(f"{value:.6g}") for value in row] for row in values.tolist()],
    }


def additive_trade_off(trade_off: TradeOff, rng: np.random.Generator) -> TradeOff:
    """The same with the additive accuracy nearest to it, which is said with how near that is.

    Raises:
        UsageError: the cost is not additive.
    """
    if not trade_off.cost.additive:
        raise UsageError(
            f"engine 'exact' needs an additive cost; {trade_off.cost.name!r} is not",
            "Take a lookup table, or engine local or nsga2.",
        )
    if trade_off.accuracy.additive:
        return trade_off
    from search.accuracy.ridge import ridge_of

    accuracy = ridge_of(trade_off.accuracy, trade_off.space, rng)
    for doubt in accuracy.doubts:
        say(f"Exact for {accuracy.name!r} only: {doubt}")
    return TradeOff(trade_off.space, accuracy, trade_off.cost)


def reference(trade_off: TradeOff) -> Array:
    """Where hypervolumes end: accuracy of the fastest network, latency of the slowest, ``(2,)``."""
    ends = trade_off.extremes
    return np.array([-trade_off.top1(ends.fastest[None])[0], ends.max_ms])


def union(archives: Sequence[Archive]) -> tuple[Genes, Array]:
    """Everything in several archives of one space: genes and objectives to be minimised."""
    genes = np.concatenate([each.genes for each in archives])
    return genes, np.concatenate([each.values for each in archives])


def _share(progress: Progress | None, number: int, total: int) -> Progress | None:
    """Progress of one of several equal runs as progress of all."""
    if progress is None:
        return None
    return lambda done, of: progress(number * of + done, total * of)
