"""Ridge and support vector regression, weighed by a ridge of what both predict out of fold.

Source: Cummings et al., "A Hardware-Aware System for Accelerating Deep Neural Network
Optimization", 2022, stack its predictors so; Wolpert, "Stacked Generalization", 1992.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from nasprof.folds import Learn
from nasprof.threads import one_thread
from nasprof.typing import Array
from search.predictors.base import GenePredictor
from search.predictors.folds import out_of_fold
from search.predictors.ridge import RidgePredictor
from search.predictors.svr import SvrPredictor
from search.regression.ridge import RidgeFit
from spaces import Genes


class StackedPredictor(GenePredictor):
    """What a linear model and one of interactions predict, as the data weigh them."""

    kind: ClassVar[str] = "stacked"
    parts: ClassVar[tuple[type[GenePredictor], ...]] = (RidgePredictor, SvrPredictor)

    def _fit(self, genes: Genes, targets: Array) -> None:
        held_out = [
            out_of_fold(self._learner(part), genes, targets, self.seed) for part in self.parts
        ]
        self._fitted = [part(self.space, self.seed).fit(genes, targets) for part in self.parts]
        with one_thread():
            self._weighing = RidgeFit.of(np.stack(held_out, 1), targets)

    def _learner(self, part: type[GenePredictor]) -> Learn:
        return lambda genes, targets: part(self.space, self.seed).fit(genes, targets).predict

    def _predict(self, genes: Genes) -> Array:
        return self._weighing(np.stack([part.predict(genes) for part in self._fitted], 1))
