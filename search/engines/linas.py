"""LINAS: evolutionary search on predictors that are trained anew with all that was validated.

Cummings et al., "A Hardware-Aware Framework for Accelerating Neural Architecture Search Across
Modalities", 2022, Algorithm 1. Beyond the paper: objectives whose values cost nothing are asked
instead of predicted; the inner search begins at the best that was validated; what is validated
next is what should add most to the front so far; where predictions promise too little, mutants of
the front are validated instead; and populations are half as large.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nasprof.settings import setting
from nasprof.typing import Array
from search.engines.base.coroutine import Search
from search.engines.base.population import distinct, first_population, fronts
from search.engines.base.selection import most_promising
from search.engines.base.surrogate import (
    InnerSearchEngine,
    InnerSearchSettings,
    Surrogates,
    unknown,
)
from spaces import Genes
from spaces.neighbours import mutant


@dataclass(frozen=True)
class LinasSettings(InnerSearchSettings):
    """Of a round."""

    population: int = setting(25, "architectures that are evaluated a round", 1)


class LinasEngine(InnerSearchEngine):
    """Validates a population, learns from it, finds the next one by an inner search."""

    settings: LinasSettings = LinasSettings()

    def search(self) -> Search:
        predict = self._surrogates(self.problem, int(self.rng.integers(2**31)))
        genes = first_population(self.space, self.rng, self.settings.population, self.first)
        values = yield genes
        while True:
            chosen = self._next(predict, genes, values)
            if len(chosen) == 0:
                return
            values = np.concatenate([values, (yield chosen)])
            genes = np.concatenate([genes, chosen])

    def _next(self, predict: Surrogates, genes: Genes, values: Array) -> Genes:
        """The best unique and diverse architectures that were not validated yet."""
        population = self.settings.population
        if not predict.fit(genes, values):
            drawn = self.space.sample(4 * population, self.rng, "biased")
            return distinct(drawn[unknown(drawn, genes)])[:population]
        best = genes[fronts(values, self.worst, 1)[0]]
        candidates, predicted = self._search_predictions(predict, genes, best)
        chosen = candidates[most_promising(predicted, values, self.worst, population)]
        missing = population - len(chosen)
        return np.concatenate([chosen, self._other(best, np.concatenate([genes, chosen]), missing)])

    def _other(self, parents: Genes, known: Genes, n: int) -> Genes:
        """Up to ``n`` that are not known: changes of one gene of ``parents``, then random ones."""
        if n == 0:
            return known[:0]
        rows = self.rng.integers(len(parents), size=4 * n)
        near = np.stack([mutant(self.space, parents[row], self.rng) for row in rows])
        near = self.rng.permutation(np.unique(near, axis=0))
        candidates = distinct(np.concatenate([near, self.space.sample(4 * n, self.rng)]))
        others: Genes = candidates[unknown(candidates, known)][:n]
        return others
