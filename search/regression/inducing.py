"""The variance of a Gaussian process, as seen through a few of its inputs.

That of all n inputs would cost the square of n for each prediction. Instead it is that of the same
process seen through a few inducing inputs (Titsias, "Variational Learning of Inducing Variables in
Sparse Gaussian Processes", AISTATS 2009, Eq. 6), chosen greedily where the variance left is
largest.
"""

from __future__ import annotations

import numpy as np

from nasprof.typing import Array
from search.regression.gaussian import Counts, Kernel, Process

_INDUCING = 512
_JITTER = 1e-8


def explained_by(process: Process, inputs: Array, repeats: Counts) -> tuple[Array, Array]:
    """What of a prediction's variance a few of the inputs explain, all having been measured.

    Args:
        inputs: measured, ``(n, n_columns)``.
        repeats: how often each was measured, ``(n,)``.

    Returns:
        The few inputs ``(m, n_columns)``, and a factor ``(m, m)``: what is explained is the
        squared length of ``kernel(new, few) @ factor``.
    """
    kernel = process.kernel
    chosen = inputs[spread(kernel, inputs, _INDUCING)]
    covariance = kernel(chosen, chosen)
    covariance[np.diag_indices(len(chosen))] += _JITTER * covariance.diagonal().max()
    root = np.linalg.cholesky(covariance)
    whitened = np.linalg.solve(root, kernel(chosen, inputs)) * np.sqrt(repeats / process.noise)
    values, vectors = np.linalg.eigh(whitened @ whitened.T)
    values = np.maximum(values, 0)
    factor: Array = np.linalg.solve(root.T, vectors * np.sqrt(values / (1 + values)))
    return chosen, factor


def spread(kernel: Kernel, inputs: Array, n: int) -> list[int]:
    """Indices of up to ``n`` inputs that leave little variance of the others.

    By pivoted Cholesky decomposition of their covariance.

    Args:
        kernel: tells the covariance.
        inputs: ``(n_inputs, n_columns)``.
        n: the most that are chosen.
    """
    left = kernel.diagonal(inputs)
    rows = np.empty((min(n, len(inputs)), len(inputs)))
    chosen: list[int] = []
    for number in range(len(rows)):
        best = int(left.argmax())
        if left[best] <= _JITTER * kernel.diagonal(inputs[:1])[0]:
            break
        row = kernel(inputs[best : best + 1], inputs)[0] - rows[:number, best] @ rows[:number]
        rows[number] = row / np.sqrt(left[best])
        left = np.maximum(left - rows[number] ** 2, 0)
        left[best] = 0
        chosen.append(best)
    return chosen
