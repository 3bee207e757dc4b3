"""The search of NAT: an archive, predictors fitted to it, and a many-objective search on them.

Lu et al., "Neural Architecture Transfer", IEEE TPAMI 43(9), 2021, Algorithms 1-4 with the
hyperparameters of Table 2. The adaptation of a supernet between iterations is a hook.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from nasprof.typing import Array
from search.engines.base.coroutine import Search
from search.engines.base.population import distinct, first_population, spread_survivors
from search.engines.base.surrogate import Choice, PredictingEngine, Surrogates, search_on, unknown
from search.engines.nsga3 import NSGA3Engine
from search.problem import Problem
from spaces import Genes

Adapt: TypeAlias = Callable[[Genes], None]


class NatEngine(PredictingEngine):
    """Evaluates a few architectures an iteration, found by NSGA-III on predictions.

    Args:
        initial: random architectures that it begins with.
        archive: architectures that are kept, by fronts and reference directions.
        batch: architectures that are evaluated an iteration.
        population: of NSGA-III.
        generations: of NSGA-III in each iteration.
        crossover: share of the pairs that exchange genes.
        mutation: share of the genes that mutate.
        eta: distribution index of the mutation.
        predictor: as of :class:`search.engines.linas.LinasEngine`; RBF ensembles unless given.
        first: architectures to begin with ``(n, n_genes)``.
        adapt: called with the archive ``(n, n_genes)`` before each iteration, to train a
            supernet's weights for it.
    """

    def __init__(
        self,
        problem: Problem,
        rng: np.random.Generator,
        adapt: Adapt | None = None,
        *,
        initial: int = 100,
        archive: int = 300,
        batch: int = 25,
        population: int = 100,
        generations: int = 100,
        crossover: float = 0.9,
        mutation: float = 0.1,
        eta: float = 1.0,
        predictor: Choice = None,
        first: Genes | None = None,
    ) -> None:
        self.adapt = adapt
        self.initial, self.archive, self.batch = initial, archive, batch
        self.population, self.generations = population, generations
        self.operators = {"crossover": crossover, "mutation": mutation, "eta": eta}
        self.predictor = predictor
        super().__init__(problem, rng, first=first)
        self._surrogates(0)

    def _surrogates(self, seed: int) -> Surrogates:
        return Surrogates(self.problem, self.predictor, "rbf-ensemble", seed)

    def search(self) -> Search:
        predict = self._surrogates(int(self.rng.integers(2**31)))
        genes = first_population(self.space, self.rng, self.initial, self.first)
        values = yield genes
        seen = genes
        while True:
            if self.adapt is not None:
                self.adapt(genes)
            chosen = self._next(predict, genes, values, seen)
            if len(chosen) == 0:
                return
            values = np.concatenate([values, (yield chosen)])
            genes = np.concatenate([genes, chosen])
            seen = np.concatenate([seen, chosen])
            if len(genes) > self.archive:
                kept = spread_survivors(values, self.problem.worst, self.archive, self.rng)
                genes, values = genes[kept], values[kept]

    def _next(self, predict: Surrogates, genes: Genes, values: Array, seen: Genes) -> Genes:
        """Architectures that were not evaluated yet, spread over the front that is predicted."""
        worst = self.problem.worst
        if not predict.fit(genes, values):
            found = self.space.sample(4 * self.batch, self.rng, "biased")
            return distinct(found[unknown(found, seen)])[: self.batch]
        parents = genes[spread_survivors(values, worst, self.population, self.rng)]
        engine = NSGA3Engine(
            self.space,
            self.rng,
            worst,
            population=self.population,
            first=parents,
            **self.operators,
        )
        found, predicted = search_on(
            engine, predict, self.population * (self.generations + 1), seen
        )
        return found[spread_survivors(predicted, worst, self.batch, self.rng)]
