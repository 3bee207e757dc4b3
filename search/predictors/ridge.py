"""Ridge regression on the steps of genes; see :mod:`search.regression.ridge`."""

from __future__ import annotations

from typing import ClassVar

from nasprof.threads import one_thread
from nasprof.typing import Array
from search.predictors.base import GenePredictor
from search.regression.gene_encodings import Columns, thermometer
from search.regression.ridge import RidgeFit
from spaces import Genes


class RidgePredictor(GenePredictor):
    """Each step up of a gene contributes on its own."""

    kind: ClassVar[str] = "ridge"

    def _fit(self, genes: Genes, targets: Array) -> None:
        self._columns = Columns.of(thermometer, self.space, genes)
        with one_thread():
            self._ridge = RidgeFit.of(self._columns(genes), targets)

    def _predict(self, genes: Genes) -> Array:
        return self._ridge(self._columns(genes))

    def _std(self, genes: Genes) -> Array:
        return self._ridge.std(self._columns(genes))
