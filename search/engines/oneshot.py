"""One predictor, trained once: the baseline of LINAS.

Cummings et al. 2022, Sec. 4 ("full search with a one-shot predictor"), after Cai et al., ICLR
2020: random architectures, a predictor of them, an evolutionary search on its predictions, and
what that found is validated, best first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nasprof.settings import setting
from search.engines.base.coroutine import Search
from search.engines.base.population import first_population, survivors
from search.engines.base.surrogate import InnerSearchEngine, InnerSearchSettings


@dataclass(frozen=True)
class OneShotSettings(InnerSearchSettings):
    """Of what the predictors are trained on, and of what is evaluated after that."""

    samples: int = setting(100, "random architectures that the predictors are trained on", 1)
    batch: int = setting(50, "of what was found, how many are evaluated at a time", 1)


class OneShotEngine(InnerSearchEngine):
    """Learns from one random population, and never again."""

    settings: OneShotSettings = OneShotSettings()

    def search(self) -> Search:
        predict = self._surrogates(self.problem, int(self.rng.integers(2**31)))
        genes = first_population(self.space, self.rng, self.settings.samples, self.first)
        values = yield genes
        if not predict.fit(genes, values):
            return
        candidates, predicted = self._search_predictions(predict, genes)
        while len(candidates):
            best = survivors(predicted, self.worst, self.settings.batch)
            yield candidates[best]
            candidates, predicted = np.delete(candidates, best, 0), np.delete(predicted, best, 0)
