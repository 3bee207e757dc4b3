"""Gaussian-process regression on the steps of genes.

Source: Rasmussen and Williams, "Gaussian Processes for Machine Learning", 2006, Eq. 2.23-2.24;
see :mod:`search.regression.gaussian`.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from nasprof.threads import one_thread
from nasprof.typing import Array
from search.predictors.base import GenePredictor
from search.regression.gaussian import Counts, Process, fit_process
from search.regression.gene_encodings import column_groups, thermometer
from search.regression.inducing import explained_by
from spaces import Genes

_SUBSET = 400
"""Hyperparameters are chosen on at most so many architectures; all serve the predictions."""


class GaussianPredictor(GenePredictor):
    """A linear trend of the steps, and interactions that decay with the genes that differ.

    Hyperparameters are the most likely ones: a weight of each gene of a part in the trend and in
    the interactions, the same in all parts; the amplitude of the interactions; and the noise.
    """

    kind: ClassVar[str] = "gp"

    def _fit(self, genes: Genes, targets: Array) -> None:
        # Loaded first: only libraries that are loaded are kept to one thread.
        import scipy.linalg  # noqa: F401

        distinct, inverse, repeats = np.unique(
            genes, axis=0, return_inverse=True, return_counts=True
        )
        means = np.bincount(inverse.reshape(-1), targets) / repeats
        self._inputs = thermometer(self.space, distinct)
        with one_thread():
            self._process = self._most_likely(self._inputs, means, repeats)
            self._weights = self._process.weights(self._inputs, means, repeats)
        self._repeats = repeats
        self._inducing: tuple[Array, Array] | None = None

    def _most_likely(self, inputs: Array, targets: Array, repeats: Counts) -> Process:
        rng = np.random.default_rng(self.seed)
        some = np.sort(rng.permutation(len(inputs))[:_SUBSET])
        chosen = inputs[some], targets[some], repeats[some]
        return fit_process("rbf", *chosen, column_groups(self.space), rng)

    def _predict(self, genes: Genes) -> Array:
        predicted: Array = self._process.kernel(thermometer(self.space, genes), self._inputs) @ (
            self._weights
        )
        return predicted

    def _std(self, genes: Genes) -> Array:
        if self._inducing is None:
            self._inducing = explained_by(self._process, self._inputs, self._repeats)
        chosen, factor = self._inducing
        inputs, kernel = thermometer(self.space, genes), self._process.kernel
        explained = np.square(kernel(inputs, chosen) @ factor).sum(1)
        variance = np.maximum(kernel.diagonal(inputs) - explained, 0) + self._process.noise
        std: Array = np.sqrt(variance)
        return std
