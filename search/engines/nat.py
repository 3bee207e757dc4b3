"""The search of NAT: an archive, predictors fitted to it, and a many-objective search on them.

Lu et al., "Neural Architecture Transfer", IEEE TPAMI 43(9), 2021, Algorithms 1-4 with the
hyperparameters of Table 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nasprof.settings import setting
from nasprof.typing import Array
from search.engines.base.coroutine import Search
from search.engines.base.population import distinct, first_population, spread_survivors
from search.engines.base.surrogate import (
    PredictingEngine,
    PredictingSettings,
    Surrogates,
    search_on,
    unknown,
)
from search.engines.nsga3 import NSGA3Engine, NSGA3Settings
from search.problem import Problem
from spaces import Genes

PREDICTOR = "rbf-ensemble"
"""Of objectives that no setting names a predictor of (Algorithm 2)."""


@dataclass(frozen=True)
class NatSettings(NSGA3Settings, PredictingSettings):
    """Of the archive, of an iteration, and of NSGA-III in it."""

    population: int = setting(100, "survivors of a generation of NSGA-III, and its children", 1)
    initial: int = setting(100, "random architectures that it begins with", 1)
    archive: int = setting(300, "architectures that are kept, by fronts and directions", 1)
    batch: int = setting(25, "architectures that are evaluated an iteration", 1)
    generations: int = setting(100, "of NSGA-III in each iteration", 1)


class NatEngine(PredictingEngine):
    """Evaluates a few architectures an iteration, found by NSGA-III on predictions.

    Values are taken to last; :func:`search.transfer` adapts a supernet between iterations.
    """

    settings: NatSettings = NatSettings()
    default_predictor: ClassVar[str] = PREDICTOR

    def search(self) -> Search:
        predict = self._surrogates(self.problem, int(self.rng.integers(2**31)))
        archive = self.settings.archive
        genes = first_population(self.space, self.rng, self.settings.initial, self.first)
        values = yield genes
        seen = genes
        while True:
            chosen = self._next(predict, genes, values, seen)
            if len(chosen) == 0:
                return
            values = np.concatenate([values, (yield chosen)])
            genes = np.concatenate([genes, chosen])
            seen = np.concatenate([seen, chosen])
            if len(genes) > archive:
                kept = spread_survivors(values, self.worst, archive, self.rng)
                genes, values = genes[kept], values[kept]

    def _next(self, predict: Surrogates, genes: Genes, values: Array, seen: Genes) -> Genes:
        """Architectures that were not evaluated yet, spread over the front that is predicted."""
        batch = self.settings.batch
        found = predicted_candidates(
            self.problem, self.settings, predict, genes, values, seen, self.rng
        )
        if found is None:
            drawn = self.space.sample(4 * batch, self.rng, "biased")
            return distinct(drawn[unknown(drawn, seen)])[:batch]
        candidates, predicted = found
        return candidates[spread_survivors(predicted, self.worst, batch, self.rng)]


def predicted_candidates(
    problem: Problem,
    settings: NatSettings,
    predict: Surrogates,
    genes: Genes,
    values: Array,
    seen: Genes,
    rng: np.random.Generator,
) -> tuple[Genes, Array] | None:
    """What NSGA-III finds on predictions, begun from an archive (Algorithm 3 of the paper).

    Args:
        predict: fitted here.
        genes: the archive, ``(n, n_genes)``.
        values: its objectives to be minimised, ``(n, n_objectives)``.
        seen: of which nothing is given back, ``(m, n_genes)``.

    Returns:
        Architectures ``(k, n_genes)`` with their predictions ``(k, n_objectives)``; None where too
        little is known to predict.
    """
    if not predict.fit(genes, values):
        return None
    parents = genes[spread_survivors(values, problem.worst, settings.population, rng)]
    engine = NSGA3Engine(settings).setup(problem, rng, parents)
    most = settings.population * (settings.generations + 1)
    return search_on(engine, predict, most, seen)
