"""What every predictor offers: it is fitted on evaluated architectures and predicts others.

A predictor is cheap and lives as long as a search: it is fitted anew whenever more architectures
have been evaluated, knows nothing of what their values mean, and is never written to a file.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, Self, TypeVar

import numpy as np

from nasprof.errors import UsageError
from nasprof.registry import Registry
from nasprof.threads import one_thread
from nasprof.typing import Array
from spaces import Genes, Space

T = TypeVar("T")

_ROWS = 2048
_LEAST_SPREAD = 1e-12


class GenePredictor(ABC):
    """Predicts one objective of architectures from those that were evaluated.

    A subclass sees canonical genes and values of mean 0 and variance 1, and nothing at all where
    all values are equal. What it predicts depends on the seed and on the rows of the last fit
    only.

    Args:
        space: of the architectures.
        seed: of everything random in a fit.
    """

    kind: ClassVar[str]
    """Its name in :data:`predictors`."""

    def __init__(self, space: Space, seed: int = 0) -> None:
        self.space = space
        self.seed = seed
        self._center = self._unit = np.nan
        """Mean and standard deviation of the values fitted to; the latter is 0 if all are equal."""

    def fit(self, genes: Genes, values: Array) -> Self:
        """Learn from architectures ``(n, n_genes)`` and their values ``(n,)``, n at least 2.

        Forgets what it was fitted to before. An architecture may occur several times.

        Raises:
            UsageError: the shapes differ or are too small, or a value is not finite.
        """
        genes = self.space.canonical(genes)
        values = _checked(values, len(genes))
        self._center, spread = float(values.mean()), float(values.std())
        flat = spread <= _LEAST_SPREAD * np.abs(values).max()
        self._unit = 0.0 if flat else spread
        if flat:
            self._center = float(values[0])
        else:
            self._fit(genes, (values - self._center) / self._unit)
        return self

    def predict(self, genes: Genes) -> Array:
        """The values of architectures ``(n, n_genes)`` as expected: ``(n,)``.

        Raises:
            UsageError: it was not fitted, or the genes are not of its space.
        """
        genes = self._asked(genes)
        if not self._unit or not len(genes):
            return np.full(len(genes), self._center)
        return self._center + self._unit * np.concatenate(_in_chunks(self._predict, genes))

    def std(self, genes: Genes) -> Array | None:
        """Standard deviation of the error of :meth:`predict`, ``(n,)``; None if unknown.

        Raises:
            UsageError: it was not fitted, or the genes are not of its space.
        """
        genes = self._asked(genes)
        if not self._unit:
            return None
        chunks = [std for std in _in_chunks(self._std, genes) if std is not None]
        return self._unit * np.concatenate(chunks) if chunks else None

    def _asked(self, genes: Genes) -> Genes:
        if np.isnan(self._unit):
            raise UsageError(
                f"predictor {self.kind!r} was asked before it was fitted",
                "Fit it to at least 2 architectures and their values first.",
            )
        return self.space.canonical(genes)

    @abstractmethod
    def _fit(self, genes: Genes, targets: Array) -> None:
        """Learn canonical genes ``(n, n_genes)`` and targets ``(n,)`` of mean 0, variance 1."""

    @abstractmethod
    def _predict(self, genes: Genes) -> Array:
        """The targets of canonical genes ``(n, n_genes)`` as expected: ``(n,)``."""

    def _std(self, genes: Genes) -> Array | None:
        """Standard deviation of the error of :meth:`_predict`, ``(n,)``; None if unknown."""
        return None


predictors: Registry[type[GenePredictor]] = Registry(
    "predictor",
    {
        "auto": "search.predictors.auto:AutoPredictor",
        "cart": "search.predictors.cart:CartPredictor",
        "gp": "search.predictors.gp:GaussianPredictor",
        "gp-copula": "search.predictors.copula:CopulaPredictor",
        "mlp": "search.predictors.mlp:MlpPredictor",
        "rbf": "search.predictors.rbf:RbfPredictor",
        "rbf-ensemble": "search.predictors.rbf_ensemble:RbfEnsemble",
        "ridge": "search.predictors.ridge:RidgePredictor",
        "stacked": "search.predictors.stacked:StackedPredictor",
        "svr": "search.predictors.svr:SvrPredictor",
        "svr-linear": "search.predictors.svr:LinearSvrPredictor",
    },
)
"""One file a predictor, or two that differ in their settings."""


def make_predictor(name: str, space: Space, seed: int = 0) -> GenePredictor:
    """The predictor called ``name``, not fitted yet.

    Args:
        name: in :data:`predictors`.
        space: of the architectures.
        seed: of everything random in a fit.

    Raises:
        UsageError: there is none of that name.
    """
    return predictors.get(name)(space, seed)


def _checked(values: Array, n: int) -> Array:
    values = np.asarray(values, np.float64)
    if values.shape != (n,):
        raise UsageError(f"values: expected shape ({n},) as of the genes, got {values.shape}")
    if n < 2:
        raise UsageError(f"a predictor needs at least 2 architectures, got {n}")
    if not (finite := np.isfinite(values)).all():
        row = int(finite.argmin())
        raise UsageError(
            f"values[{row}] is {values[row]}, expected a finite number",
            "Leave out architectures that could not be evaluated.",
        )
    return values


def _in_chunks(function: Callable[[Genes], T], genes: Genes) -> list[T]:
    with one_thread():
        return [function(genes[start : start + _ROWS]) for start in range(0, len(genes), _ROWS)]
