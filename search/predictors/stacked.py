"""Ridge and support vector regression, weighed by a ridge of what both predict out of fold.

Source: Cummings et al., "A Hardware-Aware System for Accelerating Deep Neural Network
Optimization", 2022, stack its predictors so; Wolpert, "Stacked Generalization", 1992.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np

from nasprof.threads import one_thread
from nasprof.typing import Array
from search.predictors.base import GenePredictor
from search.predictors.ridge import RidgeFit, RidgePredictor
from search.predictors.svr import SvrPredictor
from search.regression.folds import Rows, out_of_fold
from spaces import Genes


class StackedPredictor(GenePredictor):
    """What a linear model and one of interactions predict, as the data weigh them."""

    kind: ClassVar[str] = "stacked"
    parts: ClassVar[tuple[type[GenePredictor], ...]] = (RidgePredictor, SvrPredictor)

    def _fit(self, genes: Genes, targets: Array) -> None:
        found = [out_of_fold(self._learner(part), genes, targets, self.seed) for part in self.parts]
        self._fitted = [part(self.space, self.seed).fit(genes, targets) for part in self.parts]
        with one_thread():
            self._weighing = RidgeFit.of(np.stack(found, 1), targets)

    def _learner(
        self, part: type[GenePredictor]
    ) -> Callable[[Rows, Array], Callable[[Rows], Array]]:
        return lambda genes, targets: part(self.space, self.seed).fit(genes, targets).predict

    def _predict(self, genes: Genes) -> Array:
        return self._weighing(np.stack([part.predict(genes) for part in self._fitted], 1))
