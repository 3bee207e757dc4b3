"""Additive accuracy: each group of genes contributes on its own.

Less accurate than what it is fitted to, but an engine that merges groups of genes can find its
exact optimum.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from nasprof.reader import Reader
from nasprof.threads import one_thread
from nasprof.typing import Array, Indices, JsonObject
from search.accuracy.base import AccuracyModel
from search.model_arrays import ModelArrays
from search.regression.gene_encodings import pairs_within
from spaces import Genes, Space
from spaces.additive import gene_groups

PENALTY = 1.0
"""Weight of the squared coefficients against the squared errors in points."""


@dataclass(frozen=True)
class AdditiveAccuracy(AccuracyModel):
    """The sum of an intercept and a contribution of each group of :func:`gene_groups`.

    Args:
        contributions: of each of a group's values in points, ``(k,)`` a group.
        provenance: what it was fitted to, with its agreement "r2" and "spearman".
    """

    kind: ClassVar[str] = "ridge"
    additive: ClassVar[bool] = True

    name: str
    space: Space
    intercept: float
    contributions: tuple[Array, ...]
    provenance: JsonObject

    @property
    def spaces(self) -> tuple[Space, ...]:  # type: ignore[override]  # read-only here
        return (self.space,)

    def top1(self, genes: Genes, space: Space | None = None) -> Array:
        genes = self.space_of(space).canonical(genes)
        total = np.full(len(genes), self.intercept)
        for (part, _), radices, table in zip(
            self._groups, self._radices, self._tables, strict=True
        ):
            total += table[genes[:, part] @ radices]
        return total

    @cached_property
    def _groups(self) -> tuple[tuple[slice, Genes], ...]:
        return gene_groups(self.space)

    @cached_property
    def _radices(self) -> list[NDArray[np.int64]]:
        """What each gene counts for in the number of its part's value, ``(n_genes_of_part,)``."""
        choices = [self.space.n_choices[part].astype(np.int64) for part, _ in self._groups]
        return [np.append(np.cumprod(counts[:0:-1])[::-1], 1) for counts in choices]

    @cached_property
    def _tables(self) -> list[Array]:
        """Contributions by number of the part's value; nan where no canonical value is."""
        tables = []
        for (part, values), radices, contributions in zip(
            self._groups, self._radices, self.contributions, strict=True
        ):
            table = np.full(int(self.space.n_choices[part].prod(dtype=np.int64)), np.nan)
            table[values @ radices] = contributions
            tables.append(table)
        return tables

    @property
    def doubts(self) -> list[str]:
        about = self.provenance
        return [
            "it leaves out how groups of genes act together: on networks it was not fitted to "
            f"R2 {about['r2']:.4f}, Spearman {about['spearman']:.4f} with {about['fitted_to']!r}"
        ]

    def as_arrays(self) -> ModelArrays:
        """As a file holds it."""
        about = {
            "kind": self.kind,
            "spaces": [self.space.settings],
            "provenance": dict(self.provenance),
        }
        parts = {f"part{number}": part for number, part in enumerate(self.contributions)}
        return ModelArrays(about, {"intercept": np.array(self.intercept), **parts})

    @classmethod
    def from_arrays(cls, stored: ModelArrays, name: str) -> Self:
        """From a file.

        Raises:
            UsageError: naming what is missing or wrong.
        """
        space = stored.space()
        contributions = tuple(
            stored.array(f"part{number}", np.float64, (len(values),))
            for number, (_, values) in enumerate(gene_groups(space))
        )
        intercept = float(stored.array("intercept", np.float64, ()))
        provenance = Reader(dict(stored.about), "model").take("provenance", "an object")
        judged = Reader(provenance, "provenance")
        judged.take("fitted_to", "a string")
        for number in ("r2", "spearman"):
            judged.take(number, "a number")
        return cls(name, space, intercept, contributions, provenance)


def ridge_of(
    model: AccuracyModel, space: Space, rng: np.random.Generator, n: int = 8000
) -> AdditiveAccuracy:
    """The additive model nearest to another one, judged by networks it was not fitted to.

    Args:
        model: the other one.
        space: one of its spaces.
        rng: of the networks.
        n: number of networks, less those drawn twice; a tenth of them judge it.

    Raises:
        SpaceMismatch: the model is not of the space.
    """
    from scipy.stats import spearmanr

    additive, test = _near(model, space, rng, n)
    predicted, top1 = additive.top1(test), model.top1(test, additive.space)
    r2 = 1 - ((predicted - top1) ** 2).mean() / max(top1.var(), 1e-300)
    judged = {"r2": float(r2), "spearman": float(spearmanr(predicted, top1).statistic)}
    return replace(additive, provenance={**additive.provenance, **judged})


def additive_near(
    model: AccuracyModel, space: Space, rng: np.random.Generator, n: int = 8000
) -> AccuracyModel:
    """The same as of :func:`ridge_of`, not judged; the model itself where it is additive.

    Raises:
        SpaceMismatch: the model is not of the space.
    """
    return model if model.additive else _near(model, space, rng, n)[0]


def _near(
    model: AccuracyModel, space: Space, rng: np.random.Generator, n: int
) -> tuple[AdditiveAccuracy, Genes]:
    """The additive model by ridge regression on another one's predictions, and what may judge it.

    Its features are the choices of genes and the pairs of them within a group. It is fitted to
    networks of all sizes, half of them near the best of their size, where a search will be.
    """
    space = model.space_of(space)
    genes = _representative(model, space, rng, n)
    test, rest = np.split(genes, [max(len(genes) // 10, 2)])
    intercept, contributions = _fit(space, rest, model.top1(rest, space))
    about = {"fitted_to": model.name, "networks": len(rest)}
    name = f"{model.name}, additive"
    return AdditiveAccuracy(name, space, intercept, contributions, about), test


def _fit(space: Space, genes: Genes, top1: Array) -> tuple[float, tuple[Array, ...]]:
    """Intercept and contributions of each part."""
    inputs = [pairs_within(space, part, genes) for part, _ in gene_groups(space)]
    intercept, weights = _ridge(np.concatenate(inputs, 1, dtype=np.float64), top1)
    ends = np.cumsum([features.shape[1] for features in inputs])
    coefficients = np.split(weights, ends[:-1])
    contributions = tuple(
        pairs_within(space, part, _alone(space, part, values)) @ own
        for (part, values), own in zip(gene_groups(space), coefficients, strict=True)
    )
    return intercept, contributions


def _ridge(features: Array, targets: Array) -> tuple[float, Array]:
    """Intercept and weights ``(n_features,)``, by the smaller of the two normal equations."""
    means, mean = features.mean(0), targets.mean()
    centred, wanted = features - means, targets - mean
    n, n_features = features.shape
    with one_thread():
        if n_features <= n:
            gram = centred.T @ centred + PENALTY * np.eye(n_features)
            weights = np.linalg.solve(gram, centred.T @ wanted)
        else:
            gram = centred @ centred.T + PENALTY * np.eye(n)
            weights = centred.T @ np.linalg.solve(gram, wanted)
    return float(mean - means @ weights), weights


def _representative(model: AccuracyModel, space: Space, rng: np.random.Generator, n: int) -> Genes:
    """Distinct networks of all sizes, half of them near the best, in random order."""
    genes = space.sample(n - n // 2, rng, "biased")
    while len(genes) < n:
        best = genes[_good(model.top1(genes, space), space.macs(genes), max(n // 20, 1))]
        parents = best[rng.integers(len(best), size=min(n // 8 + 1, n - len(genes)))]
        fresh = space.sample(len(parents), rng)
        swapped = rng.random(parents.shape) < 2 / space.n_genes
        genes = np.concatenate([genes, space.canonical(np.where(swapped, fresh, parents))])
    return rng.permutation(np.unique(genes, axis=0))


def _good(top1: Array, macs: NDArray[np.int64], n: int) -> Indices:
    """The most accurate few for their size: by how far they lie above the trend."""
    size = np.log(macs)
    trend = np.polyval(np.polyfit(size, top1, 3), size) if np.ptp(size) > 0 else top1.mean()
    above: Indices = np.argsort(trend - top1)[:n]
    return above


def _alone(space: Space, part: slice, values: Genes) -> Genes:
    """Architectures whose other genes are 0: ``(n_values, n_genes)``."""
    genes = np.zeros((len(values), space.n_genes), np.int8)
    genes[:, part] = values
    return genes
