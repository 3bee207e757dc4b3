"""The best front that can be found with much effort: what other searches are measured against."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nasprof.typing import Array, Progress
from search.archives.archive import Archive
from search.engines.base.breeding import BreedingSettings
from search.engines.base.engine import Engine
from search.engines.exact import nearest_front
from search.engines.local import LocalEngine
from search.engines.nsga2 import NSGA2Engine
from search.objectives.trade_off import TradeOff
from search.problem import Limit
from search.quality.ranking import best
from search.runs.run import run
from spaces import Genes

_BUDGETS, _SWEEPS = 20, 4
_POPULATION = 200
_NSGA2_SHARE = 0.2
_EXACT_SHARE = 0.1
_BATCH = 256


def best_known_front(
    trade_off: TradeOff,
    rng: np.random.Generator,
    evaluations: int = 200_000,
    progress: Progress | None = None,
) -> tuple[Genes, Array]:
    """The union of what the exact engine, NSGA-II and local search find, best of it only.

    The exact front of the additive model nearest to the accuracy, where the cost is additive;
    NSGA-II begun there; then local search at budgets spread over the range, begun at the best
    known within each and next to it on the front, several times up and down.

    Returns:
        Genes ``(n, n_genes)`` and objectives to be minimised ``(n, 2)``: the negative of top-1
        in percent, and latency in ms. In order of latency.
    """
    effort = _Effort(trade_off, evaluations, progress)
    effort.evaluate(_near_exact(trade_off, rng, int(_EXACT_SHARE * evaluations)))
    problem = effort.archive.problem
    first = _spread(effort.archive.front[0], _POPULATION)
    nsga2 = NSGA2Engine(BreedingSettings(population=_POPULATION)).setup(problem, rng, first)
    effort.run(nsga2, int(_NSGA2_SHARE * evaluations))
    budgets = _budgets(trade_off)
    for number, budget_ms in enumerate(budgets):
        limited = replace(problem, limits={"latency": Limit.of_budget(budget_ms)})
        local = LocalEngine().setup(limited, rng, _starts(effort.archive, limited.worst))
        effort.run(local, (evaluations - effort.spent) // (len(budgets) - number))
    return effort.archive.front


class _Effort:
    """What is found of a front, and how many evaluations that took."""

    def __init__(self, trade_off: TradeOff, most: int, progress: Progress | None) -> None:
        self.archive = Archive(trade_off.problem())
        self.most, self.spent = most, 0
        self._progress = progress

    def evaluate(self, genes: Genes) -> None:
        """Keep what architectures are worth."""
        self.archive.add(genes, self.archive.problem.values(genes))
        self.spent += len(genes)

    def run(self, engine: Engine, evaluations: int) -> None:
        """Keep what an engine finds that is on the front by then."""
        own = Archive(self.archive.problem)

        def update(done: int, _: int) -> None:
            if self._progress is not None:
                self._progress(self.spent + done, self.most)

        run(engine, own, evaluations, batch=_BATCH, progress=update)
        self.archive.add(*own.front)
        self.spent += len(own)


def _near_exact(trade_off: TradeOff, rng: np.random.Generator, most: int) -> Genes:
    """The ends of the range, and the exact front of an additive model, thinned to ``most``."""
    ends = np.stack([trade_off.extremes.fastest, trade_off.extremes.slowest])
    if not trade_off.cost.additive:
        return ends
    genes, _ = nearest_front(trade_off, rng)
    return np.concatenate([ends, _spread(genes, most)])


def _spread(genes: Genes, most: int) -> Genes:
    """Up to ``most`` of them, evenly spread over their order."""
    if len(genes) <= most:
        return genes
    return genes[np.linspace(0, len(genes) - 1, most).round().astype(np.int64)]


def _budgets(trade_off: TradeOff) -> list[float]:
    """Limits in ms: up the range in equal steps and down it in equal ratios, again and again."""
    ends = trade_off.extremes
    budgets: list[float] = []
    for sweep in range(_SWEEPS):
        shares = (np.arange(_BUDGETS) + (sweep + 0.5) / _SWEEPS) / _BUDGETS
        if sweep % 2:
            limits = ends.min_ms * (ends.max_ms / ends.min_ms) ** shares[::-1]
        else:
            limits = ends.min_ms + shares * (ends.max_ms - ends.min_ms)
        budgets += limits.tolist()
    return budgets


def _starts(archive: Archive, worst: Array) -> Genes:
    """The best known within the limit, and those next to it on the front."""
    genes, values = archive.front
    index = best(values, worst)
    assert index is not None  # the fastest is on the front, and every limit is above it
    beside = [row for row in (index - 1, index + 1) if 0 <= row < len(genes)]
    return genes[[index, *beside]]
