"""Estimators of scikit-learn whose settings are chosen by cross-validation."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, TypeAlias

from nasprof.folds import Predict, Rows
from nasprof.threads import one_thread
from nasprof.typing import Array, Estimator
from search.predictors.base import GenePredictor
from search.predictors.folds import choose
from search.regression.gene_encodings import Columns, Scaling, thermometer
from spaces import Genes

Settings: TypeAlias = Mapping[str, float]


class TunedPredictor(GenePredictor):
    """Fits an estimator, with the settings of ``grid`` that err least out of fold."""

    grid: ClassVar[Sequence[Settings]]

    @abstractmethod
    def build(self, settings: Settings, n_columns: int) -> Estimator:
        """An estimator for columns of mean 0 and variance 1."""

    def _fit(self, genes: Genes, targets: Array) -> None:
        from sklearn.exceptions import ConvergenceWarning

        self._columns = Columns.of(thermometer, self.space, genes)
        self._scaling = Scaling.of(self._columns(genes))
        inputs = self._scaling(self._columns(genes))
        with warnings.catch_warnings():
            # Cross-validation judges an estimator that did not converge like any other.
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.settings = choose(self.grid, self._fitted, inputs, targets, self.seed)
            self._estimate = self._fitted(self.settings, inputs, targets)

    def _fitted(self, settings: Settings, inputs: Rows, targets: Array) -> Predict:
        estimator = self.build(settings, inputs.shape[1])
        # What building it imports is loaded by now, or it would run on as many threads as it likes.
        with one_thread():
            estimator.fit(inputs, targets)
        return estimator.predict

    def _predict(self, genes: Genes) -> Array:
        return self._estimate(self._scaling(self._columns(genes)))
