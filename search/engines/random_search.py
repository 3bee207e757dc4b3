"""Random search: the yardstick every engine has to beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from nasprof.settings import Settings, setting
from nasprof.typing import Array
from search.engines.base.engine import Engine
from search.problem import Problem
from spaces import Genes
from spaces.base import Sampling
from spaces.distinct import sample_distinct


@dataclass(frozen=True)
class RandomSettings(Settings):
    """Of the draws."""

    strategy: Sampling = setting("uniform", "every gene alike, or spread over the range of MACs")


class RandomEngine(Engine):
    """Draws architectures without replacement, whatever limits there are."""

    settings: RandomSettings = RandomSettings()

    def setup(self, problem: Problem, rng: np.random.Generator, first: Genes | None = None) -> Self:
        super().setup(problem, rng, first)
        self._left = list(self.first)
        self._seen: set[bytes] = set()
        return self

    def ask(self, n: int) -> Genes:
        rows: list[Genes] = []
        while self._left and len(rows) < n:
            row = self._left.pop(0)
            if row.tobytes() not in self._seen:
                self._seen.add(row.tobytes())
                rows.append(row)
        missing = n - len(rows)
        drawn = sample_distinct(self.space, missing, self.rng, self.settings.strategy, self._seen)
        return np.concatenate([np.array(rows, np.int8).reshape(-1, self.space.n_genes), drawn])

    def tell(self, genes: Genes, values: Array) -> None:
        """It learns nothing, but does not propose what it was told of."""
        self._seen.update(row.tobytes() for row in self.space.canonical(genes))
