"""Regression of top-1 on genes: its hyperparameters, and the model they give."""

from __future__ import annotations

import numpy as np

# Its linear algebra is kept to one thread only once it is loaded.
import scipy.linalg  # noqa: F401

from nasprof.threads import one_thread
from nasprof.typing import Array, JsonObject
from search.accuracy.kernel import KernelAccuracy
from search.accuracy.measurements import MeasuredAccuracy
from search.regression.gaussian import Kernel, Process, fit_process
from search.regression.gene_encodings import column_groups

_PAIRS_WORTH = 1.1
"""The quadratic kernel predicts many times faster: it is kept unless it errs so much more."""


@one_thread()
def fit_kernel(
    measurements: MeasuredAccuracy,
    process: Process,
    name: str = "",
    caution: float = 1.0,
    provenance: JsonObject | None = None,
) -> KernelAccuracy:
    """The model of measured networks with given hyperparameters, not judged.

    Args:
        measurements: of distinct networks of one space.
        process: kernel and noise, for top-1 of mean 0 and variance 1.
        name: of the model.
        caution: factor on its standard deviations.
        provenance: as of :mod:`search.accuracy.provenance`.
    """
    inputs, targets = _data(measurements)
    return KernelAccuracy(
        name=name,
        space=measurements.space,
        process=process,
        support=measurements.genes,
        repeats=measurements.repeats,
        weights=process.weights(inputs, targets, measurements.repeats),
        center=float(measurements.top1.mean()),
        unit=_unit(measurements),
        caution=caution,
        provenance=provenance or {},
    )


def _data(measurements: MeasuredAccuracy) -> tuple[Array, Array]:
    """One-hot genes ``(n, n_columns)``, and top-1 of mean 0 and variance 1 ``(n,)``."""
    inputs = measurements.space.onehot(measurements.genes).astype(np.float64)
    return inputs, (measurements.top1 - measurements.top1.mean()) / _unit(measurements)


def _unit(measurements: MeasuredAccuracy) -> float:
    return float(measurements.top1.std()) or 1.0


@one_thread()
def most_likely(
    measurements: MeasuredAccuracy, form: str, seed: int, start: Process | None = None
) -> Process:
    """The most likely hyperparameters of a kernel's form; see :func:`fit_process`.

    Args:
        measurements: of distinct networks of one space.
        form: one of ``Kernel.forms``.
        seed: of the choice of networks, if there are many.
        start: a process of that form to improve on in a few steps.
    """
    groups, rng = column_groups(measurements.space), np.random.default_rng(seed)
    return fit_process(form, *_data(measurements), measurements.repeats, groups, rng, start)


def choose_process(measurements: MeasuredAccuracy, seed: int) -> Process:
    """The kernel's form, by leave-one-out errors, and its hyperparameters, by likelihood."""
    inputs, targets = _data(measurements)
    pairs, rbf = (most_likely(measurements, form, seed) for form in Kernel.forms)
    errors = [
        float(np.abs(process.left_out(inputs, targets, measurements.repeats) - targets).mean())
        for process in (pairs, rbf)
    ]
    return pairs if errors[0] <= _PAIRS_WORTH * errors[1] else rbf
