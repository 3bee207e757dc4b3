"""Every architecture of a space, one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from nasprof.errors import UsageError
from search.engines import engines
from search.engines.base import CoroutineEngine, Search, Settings, setting
from search.problem import Problem
from spaces import Space

_AT_ONCE = 1024


@dataclass(frozen=True)
class SweepSettings(Settings):
    """How far it goes."""

    most: int = setting(100_000, "combinations of genes that a space may have", low=1)


@engines.register("sweep")
class SweepEngine(CoroutineEngine):
    """Proposes all there are, in the order of their genes: the exact front of a small space."""

    settings: SweepSettings = SweepSettings()
    ends_itself = True

    def check(self, problem: Problem) -> None:
        super().check(problem)
        count = prod(problem.space.n_choices.tolist())
        if count > self.settings.most:
            raise UsageError(
                f"engine 'sweep' goes through {self.settings.most} combinations at most, "
                f"{problem.space.label} has {count}",
                "Take another engine, or --set most=N.",
            )

    @property
    def enough(self) -> int:
        return self.space.size

    def search(self) -> Search:
        yield from _combinations(self.space)


def _combinations(space: Space) -> Search:
    """All architectures ``(n, n_genes)``, some at a time; those with inactive genes recur."""
    sizes = space.n_choices.tolist()
    for start in range(0, prod(sizes), _AT_ONCE):
        numbers = np.arange(start, min(start + _AT_ONCE, prod(sizes)))
        yield space.canonical(np.stack(np.unravel_index(numbers, sizes), 1).astype(np.int8))
