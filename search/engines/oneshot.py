"""One predictor, trained once: the baseline of LINAS.

Cummings et al. 2022, Sec. 4 ("full search with a one-shot predictor"), after Cai et al., ICLR
2020: random architectures, a predictor of them, an evolutionary search on its predictions, and
what that found is validated, best first.
"""

from __future__ import annotations

import numpy as np

from search.engines.base.coroutine import Search
from search.engines.base.population import first_population, survivors
from search.engines.base.surrogate import (
    Choice,
    PredictingEngine,
    Surrogates,
    inner_engine,
    search_on,
)
from search.problem import Problem
from spaces import Genes


class OneShotEngine(PredictingEngine):
    """Learns from one random population, and never again.

    Args:
        samples: random architectures that the predictors are trained on.
        batch: of what was found, how many are validated at a time.
        inner: the engine that searches on predictions.
        inner_evaluations: predictions it may ask for.
        predictor: as of :class:`search.engines.linas.LinasEngine`.
        first: architectures among the random ones ``(n, n_genes)``.
    """

    def __init__(
        self,
        problem: Problem,
        rng: np.random.Generator,
        *,
        samples: int = 100,
        batch: int = 50,
        inner: str = "nsga2",
        inner_evaluations: int = 20_000,
        predictor: Choice = None,
        first: Genes | None = None,
    ) -> None:
        self.samples, self.batch = samples, batch
        self.inner, self.inner_evaluations = inner_engine(inner, problem), inner_evaluations
        self.predictor = predictor
        Surrogates(problem, predictor)
        super().__init__(problem, rng, first=first)

    def search(self) -> Search:
        predict = Surrogates(self.problem, self.predictor, seed=int(self.rng.integers(2**31)))
        genes = first_population(self.space, self.rng, self.samples, self.first)
        values = yield genes
        if not predict.fit(genes, values):
            return
        engine = self.inner.create(self.problem, self.rng)
        found, predicted = search_on(engine, predict, self.inner_evaluations, genes)
        while len(found):
            best = survivors(predicted, self.problem.worst, self.batch)
            yield found[best]
            found, predicted = np.delete(found, best, 0), np.delete(predicted, best, 0)
