"""A regression tree.

Source: Breiman et al., "Classification and Regression Trees", 1984.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from nasprof.typing import Estimator
from search.predictors.tuned import Settings, TunedPredictor


class CartPredictor(TunedPredictor):
    """Splits by steps of genes; how many rows a leaf must hold is chosen by cross-validation."""

    kind: ClassVar[str] = "cart"
    grid: ClassVar[Sequence[Settings]] = tuple({"leaf": leaf} for leaf in (1, 2, 4, 8))

    def build(self, settings: Settings, n_columns: int) -> Estimator:
        from sklearn.tree import DecisionTreeRegressor

        estimator: Estimator = DecisionTreeRegressor(
            min_samples_leaf=int(settings["leaf"]), random_state=self.seed
        )
        return estimator
