"""The predictor that errs least in cross-validation.

Logarithms of the values are not among the candidates: fitted to latencies of 150 NAS-Bench-201
cells, Gaussian processes of them erred more on 26 of the 27 devices measured in HELP (Lee et al.,
NeurIPS 2021).
"""

from __future__ import annotations

from typing import ClassVar, Self

from nasprof.folds import Learn
from nasprof.typing import Array
from search.predictors.base import GenePredictor, make_predictor
from search.predictors.folds import out_of_fold, rmse
from spaces import Genes


class AutoPredictor(GenePredictor):
    """Fits each candidate to some of the rows, and the one that predicts the others best to all."""

    kind: ClassVar[str] = "auto"
    candidates: ClassVar[tuple[str, ...]] = ("gp", "ridge", "rbf", "svr")

    chosen: str = ""
    """The name of the predictor chosen; empty where all values were equal."""

    def fit(self, genes: Genes, values: Array) -> Self:
        self.chosen, self.scores = "", dict[str, float]()
        return super().fit(genes, values)

    def _fit(self, genes: Genes, targets: Array) -> None:
        for name in self.candidates:
            predicted = out_of_fold(self._learner(name), genes, targets, self.seed)
            self.scores[name] = self._unit * rmse(predicted, targets)
        self.chosen = min(self.candidates, key=lambda name: self.scores[name])
        self._fitted = make_predictor(self.chosen, self.space, self.seed).fit(genes, targets)

    def _learner(self, name: str) -> Learn:
        return lambda genes, targets: (
            make_predictor(name, self.space, self.seed).fit(genes, targets).predict
        )

    def _predict(self, genes: Genes) -> Array:
        return self._fitted.predict(genes)

    def _std(self, genes: Genes) -> Array | None:
        return self._fitted.std(genes)
