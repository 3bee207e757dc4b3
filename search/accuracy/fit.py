"""Fitting an accuracy model to measured networks."""

from __future__ import annotations

import numpy as np

from nasprof import __version__
from nasprof.threads import one_thread
from nasprof.typing import JsonObject
from search.accuracy.kernel import KernelAccuracy
from search.accuracy.kernel_fit import choose_process, fit_kernel
from search.accuracy.measurements import MeasuredAccuracy
from search.accuracy.validation import (
    FOLDS,
    MIN_SPEARMAN,
    cannot_rank,
    check_enough,
    cross_validate,
)

MOST_NETWORKS = 4000
"""More are not fitted: time grows with the cube of their number, memory with its square."""


@one_thread()
def fit_measurements(
    measurements: MeasuredAccuracy, name: str, source: str, seed: int = 0
) -> KernelAccuracy:
    """The model of measured networks, with its cross-validated errors in its provenance.

    Args:
        measurements: of distinct networks of one space.
        name: of the model.
        source: where the measurements are from, in words.
        seed: of the folds, and of which networks are left out if there are too many.

    Raises:
        CannotRank: there are too few networks, or the cross-validated rank correlation is
            below 0.8; it tells what was reached and how many more are needed.
    """
    check_enough(measurements)
    n = len(measurements)
    if n > MOST_NETWORKS:
        chosen = np.random.default_rng(seed).permutation(n)[:MOST_NETWORKS]
        measurements = measurements.take(np.sort(chosen))
    process = choose_process(measurements, seed)
    score, caution = cross_validate(measurements, process, seed)
    if score.spearman < MIN_SPEARMAN:
        raise cannot_rank(measurements, process, score, seed)
    provenance = {
        "source": source,
        "measurements": int(measurements.repeats.sum()),
        "networks": len(measurements),
        "left_out": n - len(measurements),
        "noise": measurements.noise,
        "validity": validity(measurements),
        "cross_validation": {"folds": FOLDS, **score.to_dict()},
        "seed": seed,
        "nasprof": __version__,
    }
    return fit_kernel(measurements, process, name, caution, provenance)


def validity(measurements: MeasuredAccuracy) -> JsonObject:
    """Ranges that the networks span, and how far apart they lie."""
    macs = measurements.space.macs(measurements.genes)
    differing = np.zeros((len(measurements),) * 2, np.int16)
    for gene in measurements.genes.T:
        differing += gene[:, None] != gene
    np.fill_diagonal(differing, np.iinfo(np.int16).max)
    nearest = differing.min(1)
    return {
        "top1": [float(measurements.top1.min()), float(measurements.top1.max())],
        "macs": [int(macs.min()), int(macs.max())],
        "differing_genes": {
            "nearest_median": float(np.median(nearest)),
            "nearest_most": float(nearest.max()),
        },
    }
