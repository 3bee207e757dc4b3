"""LINAS: evolutionary search on predictors that are trained anew with all that was validated.

Cummings et al., "A Hardware-Aware Framework for Accelerating Neural Architecture Search Across
Modalities", 2022, Algorithm 1. Beyond the paper: objectives whose values cost nothing are asked
instead of predicted; the inner search begins at the best that was validated; what is validated
next is what should add most to the front so far; where predictions promise too little, mutants of
the front are validated instead; and populations are half as large.
"""

from __future__ import annotations

import numpy as np

from nasprof.typing import Array
from search.engines.base.coroutine import Search
from search.engines.base.population import distinct, first_population, fronts
from search.engines.base.selection import most_promising
from search.engines.base.surrogate import (
    Choice,
    PredictingEngine,
    Surrogates,
    inner_engine,
    search_on,
    unknown,
)
from search.engines.evo import mutant
from search.problem import Problem
from spaces import Genes


class LinasEngine(PredictingEngine):
    """Validates a population, learns from it, finds the next one by an inner search.

    Args:
        population: architectures that are validated a round.
        inner: the engine that searches on predictions.
        inner_evaluations: predictions it may ask for in each round.
        predictor: the predictor of all objectives, or of each by its name; see
            :class:`search.engines.base.surrogate.Surrogates`.
        first: architectures to begin with ``(n, n_genes)``; random ones fill the population up.
    """

    def __init__(
        self,
        problem: Problem,
        rng: np.random.Generator,
        *,
        population: int = 25,
        inner: str = "nsga2",
        inner_evaluations: int = 20_000,
        predictor: Choice = None,
        first: Genes | None = None,
    ) -> None:
        self.population, self.inner_evaluations = population, inner_evaluations
        self.inner = inner_engine(inner, problem)
        self.predictor = predictor
        Surrogates(problem, predictor)
        super().__init__(problem, rng, first=first)

    def search(self) -> Search:
        predict = Surrogates(self.problem, self.predictor, seed=int(self.rng.integers(2**31)))
        genes = first_population(self.space, self.rng, self.population, self.first)
        values = yield genes
        while True:
            chosen = self._next(predict, genes, values)
            if len(chosen) == 0:
                return
            values = np.concatenate([values, (yield chosen)])
            genes = np.concatenate([genes, chosen])

    def _next(self, predict: Surrogates, genes: Genes, values: Array) -> Genes:
        """The best unique and diverse architectures that were not validated yet."""
        worst = self.problem.worst
        if not predict.fit(genes, values):
            found = self.space.sample(4 * self.population, self.rng, "biased")
            return distinct(found[unknown(found, genes)])[: self.population]
        best = genes[fronts(values, worst, 1)[0]]
        engine = self.inner.create(self.problem, self.rng, first=best)
        found, predicted = search_on(engine, predict, self.inner_evaluations, genes)
        chosen = found[most_promising(predicted, values, worst, self.population)]
        missing = self.population - len(chosen)
        return np.concatenate([chosen, self._other(best, np.concatenate([genes, chosen]), missing)])

    def _other(self, parents: Genes, known: Genes, n: int) -> Genes:
        """Up to ``n`` that are not known: changes of one gene of ``parents``, then random ones."""
        if n == 0:
            return known[:0]
        places = self.rng.integers(len(parents), size=4 * n)
        near = np.stack([mutant(self.space, parents[place], self.rng) for place in places])
        found = [self.rng.permutation(np.unique(near, axis=0)), self.space.sample(4 * n, self.rng)]
        candidates = distinct(np.concatenate(found))
        others: Genes = candidates[unknown(candidates, known)][:n]
        return others
