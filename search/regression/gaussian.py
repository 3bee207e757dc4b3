"""Gaussian-process regression on one-hot genes: kernels, their hyperparameters, predictions.

Source: Rasmussen and Williams, "Gaussian Processes for Machine Learning", 2006: prediction
Eq. 2.23-2.24, marginal likelihood Eq. 5.8-5.9, leave-one-out predictions Eq. 5.12.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nasprof.typing import Array, Indices

Matrix: TypeAlias = NDArray[Any]
"""Of float32 or float64; what is computed from it has its precision."""
Counts: TypeAlias = NDArray[np.int64]

_SUBSET = 1000
"""Hyperparameters are chosen on at most so many networks; all serve the predictions."""
_STEPS, _FEW_STEPS, _TOLERANCE = 40, 8, 1e-5
_WIDTH = 3.0
"""Standard deviation of the log-normal prior of each hyperparameter: a factor of 20."""
_NOISE, _LEAST_NOISE = 1e-3, 1e-8
"""At the start of the search, and at its end: with less no covariance may be decomposed."""
_LINEAR = 0.1


@dataclass(frozen=True)
class Kernel:
    """How alike two networks are: a sum of genes on their own, and of genes acting together.

    With the first, predictions far from all data tend to an additive trend rather than to the
    mean of the data.

    Args:
        form: "pairs", the square of a weighted number of equal genes, which is every pair of
            choices as a feature; or "rbf", which decays with the weighted number of differing
            ones and holds interactions of any order.
        linear: weight of each column of the one-hot genes on its own, ``(n_columns,)``.
        joint: weight of each column in the interactions, ``(n_columns,)``.
        amplitude: variance of the interactions.
    """

    forms: ClassVar[tuple[str, ...]] = ("pairs", "rbf")

    form: str
    linear: Matrix
    joint: Matrix
    amplitude: float

    def interactions(self, first: Matrix, second: Matrix) -> Matrix:
        """The part of genes acting together, of inputs ``(n, n_columns)`` and ``(m, n_columns)``:
        ``(n, m)``.
        """
        shared: Matrix = (first * self.joint) @ second.T
        if self.form == "pairs":
            np.square(shared, out=shared)
            shared *= self.amplitude
            return shared
        sizes = [(inputs**2) @ self.joint for inputs in (first, second)]
        shared *= 2
        shared -= sizes[0][:, None]
        shared -= sizes[1]
        np.exp(shared, out=shared)
        shared *= self.amplitude
        return shared

    def __call__(self, first: Matrix, second: Matrix) -> Matrix:
        """Of inputs ``(n, n_columns)`` and ``(m, n_columns)``: ``(n, m)``."""
        both = self.interactions(first, second)
        both += (first * self.linear) @ second.T
        return both

    def diagonal(self, inputs: Matrix) -> Matrix:
        """Of each input with itself: ``(n,)``."""
        alone: Matrix = (inputs**2) @ self.linear
        if self.form == "pairs":
            alone += self.amplitude * ((inputs**2) @ self.joint) ** 2
            return alone
        return alone + self.amplitude


@dataclass(frozen=True)
class Process:
    """A kernel and the noise of one measurement, as a share of the targets' variance."""

    kernel: Kernel
    noise: float

    def covariance(self, inputs: Array, repeats: Counts) -> Array:
        """Of targets that are means of ``repeats`` measurements ``(n,)``: ``(n, n)``."""
        covariance = self.kernel(inputs, inputs)
        covariance[np.diag_indices(len(inputs))] += self.noise / repeats
        return covariance

    def weights(self, inputs: Array, targets: Array, repeats: Counts) -> Array:
        """Of the inputs in predictions ``kernel(new, inputs) @ weights``: ``(n,)``.

        Args:
            inputs: ``(n, n_columns)``.
            targets: ``(n,)``, of mean 0 and variance 1.
            repeats: measurements behind each target, ``(n,)``.
        """
        from scipy.linalg import cho_factor, cho_solve

        factor = cho_factor(self.covariance(inputs, repeats), lower=True, overwrite_a=True)
        weights: Array = cho_solve(factor, targets)
        return weights

    def left_out(self, inputs: Array, targets: Array, repeats: Counts) -> Array:
        """Each target as predicted from all others: ``(n,)``; arguments as of :meth:`weights`."""
        precision = np.linalg.inv(self.covariance(inputs, repeats))
        predicted: Array = targets - (precision @ targets) / np.diag(precision)
        return predicted


@dataclass(frozen=True)
class _Evidence:
    """The negative logarithm of marginal likelihood times prior, and its gradient.

    Hyperparameters are logarithms: linear and joint weight of each group of columns, noise, and,
    where it is not implied by the joint weights, the amplitude.
    """

    form: str
    inputs: Array
    targets: Array
    repeats: Counts
    groups: Indices

    @property
    def start(self) -> Array:
        """Where the search begins, the mode of the prior."""
        n = int(self.groups.max()) + 1
        active = max(float((self.inputs**2).sum(1).mean()), 1.0)
        own = [_NOISE] + ([1.0] if self.form == "rbf" else [])
        start: Array = np.log(np.r_[np.full(n, _LINEAR / active), np.full(n, 0.5 / active), own])
        return start

    def process(self, logs: Array) -> Process:
        """The process of hyperparameters ``(n_hyperparameters,)``."""
        n = int(self.groups.max()) + 1
        values = np.exp(logs)
        amplitude = float(values[2 * n + 1]) if self.form == "rbf" else 1.0
        kernel = Kernel(self.form, values[:n][self.groups], values[n:][self.groups], amplitude)
        return Process(kernel, float(values[2 * n]))

    def logs(self, process: Process) -> Array:
        """The inverse of :meth:`process`."""
        kernel, first = process.kernel, np.unique(self.groups, return_index=True)[1]
        own = [process.noise] + ([kernel.amplitude] if self.form == "rbf" else [])
        logs: Array = np.log(np.concatenate([kernel.linear[first], kernel.joint[first], own]))
        return logs

    def __call__(self, logs: Array) -> tuple[float, Array]:
        from scipy.linalg import cho_solve

        # The search may try steps so long that weights overflow.
        with np.errstate(over="ignore", invalid="ignore"):
            process, start = self.process(logs), self.start
            factor = self._factor(process)
        if factor is None:
            return 1e10, np.zeros_like(logs)
        weights = cho_solve(factor, self.targets)
        value = 0.5 * self.targets @ weights + np.log(np.diag(factor[0])).sum()
        outer = np.outer(weights, weights) - cho_solve(factor, np.eye(len(weights)))
        gradient = -0.5 * self._slopes(process, outer) + (logs - start) / _WIDTH**2
        return float(value + 0.5 * (((logs - start) / _WIDTH) ** 2).sum()), gradient

    def _factor(self, process: Process) -> tuple[Array, bool] | None:
        """Of the covariance, by Cholesky; None where it has none."""
        from scipy.linalg import LinAlgError, cho_factor

        covariance = process.covariance(self.inputs, self.repeats)
        if not np.isfinite(covariance).all():
            return None
        try:
            factor: tuple[Array, bool] = cho_factor(covariance, lower=True, overwrite_a=True)
        except LinAlgError:
            return None
        return factor

    def _slopes(self, process: Process, outer: Array) -> Array:
        """Sums of ``outer`` times the covariance's derivative by each hyperparameter."""
        kernel, inputs = process.kernel, self.inputs
        together = kernel.interactions(inputs, inputs)
        inner = outer * together
        own = [float((np.diag(outer) / self.repeats).sum()) * process.noise]
        if kernel.form == "rbf":
            own.append(float(inner.sum()))
            changes = 2 * (((inner @ inputs) * inputs).sum(0) - inner.sum(1) @ inputs**2)
        else:
            root = 2 * outer * np.sqrt(together * kernel.amplitude)
            changes = ((root @ inputs) * inputs).sum(0)
        linear = ((outer @ inputs) * inputs).sum(0) * kernel.linear
        own_and_joint = (linear, changes * kernel.joint)
        grouped = [np.bincount(self.groups, slopes) for slopes in own_and_joint]
        return np.concatenate([*grouped, own])


def fit_process(
    form: str,
    inputs: Array,
    targets: Array,
    repeats: Counts,
    groups: Indices,
    rng: np.random.Generator,
    start: Process | None = None,
) -> Process:
    """The process of the most likely hyperparameters.

    Args:
        form: of the kernel.
        inputs: one-hot genes ``(n, n_columns)``.
        targets: ``(n,)``, of mean 0 and variance 1.
        repeats: measurements behind each target, ``(n,)``.
        groups: columns of equal weights, numbered from 0: ``(n_columns,)``.
        start: a process to improve on in a few steps, of the same form.
    """
    from scipy.optimize import minimize

    chosen = rng.permutation(len(inputs))[:_SUBSET]
    evidence = _Evidence(form, inputs[chosen], targets[chosen], repeats[chosen], groups)
    first = evidence.start if start is None else evidence.logs(start)
    options = {"maxiter": _STEPS if start is None else _FEW_STEPS, "ftol": _TOLERANCE}
    best = minimize(evidence, first, jac=True, method="L-BFGS-B", options=options)
    process = evidence.process(best.x)
    return replace(process, noise=max(process.noise, _LEAST_NOISE))
