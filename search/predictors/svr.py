"""Support vector regression: errors below a threshold cost nothing, larger ones their size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from nasprof.typing import Estimator
from search.predictors.tuned import Settings, TunedPredictor

_THRESHOLD = 0.03
"""In standard deviations of the values."""


class SvrPredictor(TunedPredictor):
    """With radial basis functions, whose width is in units of the mean squared distance."""

    kind: ClassVar[str] = "svr"
    grid: ClassVar[Sequence[Settings]] = (
        {"cost": 10, "decay": 0.1},
        {"cost": 10, "decay": 0.3},
        {"cost": 100, "decay": 0.03},
        {"cost": 1000, "decay": 0.003},
    )

    def build(self, settings: Settings, n_columns: int) -> Estimator:
        from sklearn.svm import SVR

        estimator: Estimator = SVR(
            C=settings["cost"], gamma=settings["decay"] / n_columns, epsilon=_THRESHOLD
        )
        return estimator


class LinearSvrPredictor(TunedPredictor):
    """With a coefficient for each step up of a gene."""

    kind: ClassVar[str] = "svr-linear"
    grid: ClassVar[Sequence[Settings]] = tuple({"cost": cost} for cost in (0.003, 0.01, 0.1))

    def build(self, settings: Settings, n_columns: int) -> Estimator:
        from sklearn.svm import SVR

        estimator: Estimator = SVR(kernel="linear", C=settings["cost"], epsilon=_THRESHOLD)
        return estimator
