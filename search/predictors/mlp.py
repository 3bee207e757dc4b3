"""A small neural network, fitted by L-BFGS."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from nasprof.typing import Estimator
from search.predictors.tuned import Settings, TunedPredictor

_HIDDEN, _STEPS = 32, 100


class MlpPredictor(TunedPredictor):
    """One hidden layer; the decay of its weights is chosen by cross-validation."""

    kind: ClassVar[str] = "mlp"
    grid: ClassVar[Sequence[Settings]] = tuple({"decay": decay} for decay in (1, 5, 20))

    def build(self, settings: Settings, n_columns: int) -> Estimator:
        from sklearn.neural_network import MLPRegressor

        estimator: Estimator = MLPRegressor(
            hidden_layer_sizes=(_HIDDEN,),
            alpha=settings["decay"],
            solver="lbfgs",
            max_iter=_STEPS,
            random_state=self.seed,
        )
        return estimator
