"""Estimators that a learned cost model chooses from, and the choice by cross-validation.

The fitting is scikit-learn's. Absolute-error losses (SVR, Huber, boosting) are there because
measured latencies have a heavy upper tail; squared error (ridge) where they have none.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import product
from typing import Self, TypeAlias

import numpy as np

from luts.agreement import agreement
from luts.features import feature_sets
from nasprof.folds import folds, out_of_fold
from nasprof.reader import Reader
from nasprof.registry import Registry
from nasprof.threads import one_thread
from nasprof.typing import Array, Estimator, JsonObject

Parameters: TypeAlias = Mapping[str, float]

FOLDS = 5
_FEW, _REPEATS = 200, 2


@dataclass(frozen=True)
class Choice:
    """How predictions are made.

    Args:
        estimator: name in :data:`estimators`.
        features: name in :data:`luts.features.feature_sets`.
        parameters: of the estimator.
    """

    estimator: str
    features: str
    parameters: Parameters

    def to_dict(self) -> JsonObject:
        """As JSON."""
        return {**asdict(self), "parameters": dict(self.parameters)}


@dataclass(frozen=True)
class Candidate:
    """A choice and how well it predicted networks it was not fitted on.

    Args:
        mape: mean absolute error as a share of the measured, averaged over repeats.
        spearman: rank correlation, averaged over repeats.
    """

    choice: Choice
    mape: float
    spearman: float

    def to_dict(self) -> JsonObject:
        """As JSON."""
        return {**self.choice.to_dict(), "mape": self.mape, "spearman": self.spearman}

    @classmethod
    def from_dict(cls, data: object, where: str) -> Self:
        """From JSON.

        Raises:
            UsageError: naming the field that is missing or wrong.
        """
        reader = Reader(data, where)
        estimator, names = reader.take("estimator", "a string"), reader.take("features", "a string")
        grid = estimators.get(estimator).grid
        feature_sets.get(names)
        parameters = Reader(reader.take("parameters", "an object"), f"{where}.parameters")
        values = {
            name: parameters.within(name, min(known), max(known)) for name, known in grid.items()
        }
        choice = Choice(estimator, names, values)
        return cls(choice, reader.not_negative("mape"), reader.within("spearman", -1, 1))


Builder: TypeAlias = Callable[[Parameters, int, int], Estimator]


@dataclass(frozen=True)
class Kind:
    """An estimator and what is tried of it.

    Args:
        build: makes one of parameters, number of features and seed.
        features: the feature sets it is tried on.
        grid: the values of each parameter.
    """

    build: Builder
    features: tuple[str, ...]
    grid: Mapping[str, Sequence[float]]


def _ridge(parameters: Parameters, n_features: int, seed: int) -> Estimator:
    from sklearn.linear_model import Ridge

    ridge: Estimator = Ridge(alpha=parameters["alpha"])
    return ridge


def _huber(parameters: Parameters, n_features: int, seed: int) -> Estimator:
    from sklearn.linear_model import HuberRegressor

    huber: Estimator = HuberRegressor(alpha=parameters["alpha"], max_iter=200)
    return huber


def _svr(parameters: Parameters, n_features: int, seed: int) -> Estimator:
    from sklearn.svm import SVR

    gamma = parameters["gamma"] / n_features
    svr: Estimator = SVR(C=parameters["C"], gamma=gamma, epsilon=0.05)
    return svr


def _boosting(parameters: Parameters, n_features: int, seed: int) -> Estimator:
    from sklearn.ensemble import HistGradientBoostingRegressor

    boosting: Estimator = HistGradientBoostingRegressor(
        loss="absolute_error",
        max_iter=int(parameters["trees"]),
        max_depth=3,
        min_samples_leaf=5,
        early_stopping=False,
        random_state=seed,
    )
    return boosting


estimators: Registry[Kind] = Registry(
    "estimator",
    {
        "ridge": Kind(
            _ridge, ("sizes", "operators", "blocks"), {"alpha": (0.01, 0.1, 1.0, 10.0, 100.0)}
        ),
        "huber": Kind(_huber, ("sizes", "operators"), {"alpha": (0.01,)}),
        "svr": Kind(_svr, ("sizes", "operators"), {"C": (3.0, 30.0), "gamma": (0.03, 0.3)}),
        "boosting": Kind(_boosting, ("sizes", "genes"), {"trees": (100.0,)}),
    },
)


def choices() -> Iterator[Choice]:
    """Every combination that is tried."""
    for name in estimators:
        kind = estimators.get(name)
        for features, values in product(kind.features, product(*kind.grid.values())):
            yield Choice(name, features, dict(zip(kind.grid, values, strict=True)))


class Fit:
    """An estimator fitted to features ``(n, n_features)`` and latencies ``(n,)``."""

    def __init__(self, choice: Choice, inputs: Array, latency_ms: Array, seed: int) -> None:
        from sklearn.exceptions import ConvergenceWarning

        # A feature that never varied says nothing of what happens when it does.
        self._varied = np.ptp(inputs, 0) > 0
        varied = inputs[:, self._varied]
        self._center, self._scale = varied.mean(0), varied.std(0)
        self._mean_ms, self._std_ms = float(latency_ms.mean()), float(latency_ms.std()) or 1.0
        # Half the fastest network measured: nothing below it is backed by the data.
        self._least_ms = float(latency_ms.min()) / 2
        known = self._standardised(inputs)
        kind = estimators.get(choice.estimator)
        self._estimator = kind.build(choice.parameters, known.shape[1], seed)
        # What building it imports is loaded by now, or it would run on as many threads as it likes.
        with one_thread(), warnings.catch_warnings():
            # Cross-validation judges a candidate that did not converge like any other.
            warnings.simplefilter("ignore", ConvergenceWarning)
            self._estimator.fit(known, (latency_ms - self._mean_ms) / self._std_ms)

    def _standardised(self, inputs: Array) -> Array:
        if not self._varied.any():
            return np.zeros((len(inputs), 1))
        standardised: Array = (inputs[:, self._varied] - self._center) / self._scale
        return standardised

    def __call__(self, inputs: Array) -> Array:
        """Latencies of features ``(n, n_features)`` in ms: ``(n,)``."""
        if len(inputs) == 0:
            return np.empty(0)
        with one_thread():
            relative = self._estimator.predict(self._standardised(inputs))
        latency_ms: Array = np.maximum(self._mean_ms + self._std_ms * relative, self._least_ms)
        return latency_ms


def cross_validate(
    choice: Choice, inputs: Array, latency_ms: Array, seed: int
) -> tuple[Candidate, Array]:
    """How well a choice predicts what it was not fitted on, and such predictions ``(n,)`` in ms.

    Few networks are split repeatedly; the predictions are those of the first split.

    Args:
        inputs: features ``(n, n_features)``.
        latency_ms: measured, ``(n,)``.
    """
    repeats = range(_REPEATS if len(inputs) <= _FEW else 1)
    splits = [folds(len(inputs), FOLDS, [seed, repeat]) for repeat in repeats]
    learn = partial(Fit, choice, seed=seed)
    rounds = [out_of_fold(learn, inputs, latency_ms, split) for split in splits]
    scores = [agreement(predicted_ms, latency_ms) for predicted_ms in rounds]
    mape = float(np.mean([score.mape for score in scores]))
    spearman = float(np.mean([score.spearman for score in scores]))
    return Candidate(choice, mape, spearman), rounds[0]


def rank_candidates(
    inputs: Mapping[str, Array], latency_ms: Array, seed: int
) -> tuple[tuple[Candidate, ...], Array]:
    """The best candidate of each estimator and feature set, least error first.

    Args:
        inputs: features ``(n, n_features)`` by name of the feature set.
        latency_ms: measured, ``(n,)``.

    Returns:
        The candidates, and the out-of-fold predictions ``(n,)`` in ms of the first.
    """
    best: dict[tuple[str, str], tuple[Candidate, Array]] = {}
    for choice in choices():
        if choice.features in inputs:
            validated = cross_validate(choice, inputs[choice.features], latency_ms, seed)
            key = (choice.estimator, choice.features)
            if key not in best or validated[0].mape < best[key][0].mape:
                best[key] = validated
    ranked = sorted(best.values(), key=lambda validated: validated[0].mape)
    return tuple(candidate for candidate, _ in ranked), ranked[0][1]
