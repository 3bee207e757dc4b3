"""Fitting an accuracy model to measured networks, and judging it by cross-validation.

Folds are of distinct networks: repeats of one are never on both sides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from luts.estimators import one_thread
from nasprof import __version__
from search.accuracy.base import Array
from search.accuracy.errors import CannotRank
from search.accuracy.gaussian import Groups, Kernel, Process, fit_process
from search.accuracy.kernel import KernelAccuracy
from search.accuracy.measurements import Measurements
from spaces import Space

FOLDS = 5
MIN_NETWORKS = 20
MIN_SPEARMAN = 0.8
GOOD_SPEARMAN = 0.95

_NORMAL_95 = 1.96
_PAIRS_WORTH = 1.1
"""The quadratic kernel predicts many times faster: it is kept unless it errs so much more."""
_MOST = 1_000_000


@dataclass(frozen=True)
class Score:
    """Predictions against measurements of ``n`` networks the model was not fitted on.

    Args:
        mae: mean absolute error in points.
        rmse: root of the mean squared error in points.
        covered: share of the networks within 1.96 standard deviations of their prediction.
    """

    n: int
    spearman: float
    kendall: float
    mae: float
    rmse: float
    covered: float

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def score(predicted: Array, std: Array, top1: Array) -> Score:
    """The score of predictions with standard deviations against ``top1``, each ``(n,)``."""
    from scipy.stats import kendalltau, spearmanr

    errors = np.abs(predicted - top1)
    flat = np.ptp(predicted) == 0 or np.ptp(top1) == 0
    spearman, kendall = (
        0.0 if flat else float(of(predicted, top1).statistic) for of in (spearmanr, kendalltau)
    )
    return Score(
        n=len(errors),
        spearman=spearman,
        kendall=kendall,
        mae=float(errors.mean()),
        rmse=float(np.sqrt((errors**2).mean())),
        covered=float((errors <= _NORMAL_95 * std).mean()),
    )


def fit_measurements(
    measurements: Measurements, name: str, source: str, seed: int = 0
) -> KernelAccuracy:
    """The model of measured networks, with its cross-validated errors in its provenance.

    Raises:
        CannotRank: there are too few networks, or the cross-validated rank correlation is
            below 0.8; it tells what was reached and how many more are needed.
    """
    check_enough(measurements)
    with one_thread():
        process = choose_process(measurements, seed)
        found, caution = cross_validate(measurements, process, seed)
        if found.spearman < MIN_SPEARMAN:
            raise _cannot_rank(measurements, process, found, seed)
        provenance = {
            "source": source,
            "measurements": int(measurements.repeats.sum()),
            "networks": len(measurements),
            "noise": measurements.noise,
            "validity": validity(measurements),
            "cross_validation": {"folds": FOLDS, **found.as_dict()},
            "seed": seed,
            "nasprof": __version__,
        }
        return fit_kernel(measurements, process, name, caution, provenance)


def fit_kernel(
    measurements: Measurements,
    process: Process,
    name: str = "",
    caution: float = 1.0,
    provenance: Mapping[str, Any] | None = None,
) -> KernelAccuracy:
    """The model of measured networks with given hyperparameters, not judged."""
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


def _data(measurements: Measurements) -> tuple[Array, Array]:
    """One-hot genes ``(n, n_columns)``, and top-1 of mean 0 and variance 1 ``(n,)``."""
    inputs = measurements.space.onehot(measurements.genes).astype(np.float64)
    return inputs, (measurements.top1 - measurements.top1.mean()) / _unit(measurements)


def _unit(measurements: Measurements) -> float:
    return float(measurements.top1.std()) or 1.0


def column_groups(space: Space) -> Groups:
    """Columns of the one-hot genes that share their weights: the same place in their part."""
    places = np.concatenate([np.arange(place.stop - place.start) for place, _ in space.parts])
    return np.repeat(places, space.n_choices).astype(np.intp)


def most_likely(
    measurements: Measurements, form: str, seed: int, start: Process | None = None
) -> Process:
    """The most likely hyperparameters of a kernel's form; see :func:`fit_process`."""
    groups, rng = column_groups(measurements.space), np.random.default_rng(seed)
    return fit_process(form, *_data(measurements), measurements.repeats, groups, rng, start)


def choose_process(measurements: Measurements, seed: int) -> Process:
    """The kernel's form, by leave-one-out errors, and its hyperparameters, by likelihood."""
    inputs, targets = _data(measurements)
    pairs, rbf = (most_likely(measurements, form, seed) for form in Kernel.forms)
    errors = [
        float(np.abs(each.left_out(inputs, targets, measurements.repeats) - targets).mean())
        for each in (pairs, rbf)
    ]
    return pairs if errors[0] <= _PAIRS_WORTH * errors[1] else rbf


def cross_validate(measurements: Measurements, process: Process, seed: int) -> tuple[Score, float]:
    """The score on networks of other folds, and the caution that standard deviations need.

    Hyperparameters are improved anew in each fold. With the caution, 95 % of the networks lie
    within 1.96 standard deviations; the score's coverage is without it.
    """
    predicted, std = np.empty((2, len(measurements)))
    order = np.random.default_rng(seed).permutation(len(measurements))
    for fold in np.array_split(order, FOLDS):
        rest = measurements.take(np.setdiff1d(order, fold))
        model = fit_kernel(rest, most_likely(rest, process.kernel.form, seed, process))
        genes = measurements.genes[fold]
        predicted[fold], std[fold] = model.top1(genes), model.std(genes)
    ratios = np.abs(predicted - measurements.top1) / std
    caution = max(float(np.quantile(ratios, 0.95)) / _NORMAL_95, 0.5)
    return score(predicted, std, measurements.top1), caution


# --- what the measurements allow ----------------------------------------------------------------


def check_enough(measurements: Measurements) -> None:
    """Refuse measurements that nothing can be learned from.

    Raises:
        CannotRank: there are too few, or all are alike.
    """
    n = len(measurements)
    if n < MIN_NETWORKS:
        raise CannotRank(
            f"{n} distinct networks are too few to learn from, expected at least {MIN_NETWORKS}",
            f"Measure {MIN_NETWORKS - n} more, for example of: nassearch sample --count 100",
        )
    if np.ptp(measurements.top1) == 0:
        raise CannotRank(f"all {n} networks have a top-1 of {measurements.top1[0]:g} %")


def _cannot_rank(
    measurements: Measurements, process: Process, found: Score, seed: int
) -> CannotRank:
    n = len(measurements)
    sizes, reached = learning_curve(measurements, process, seed)
    curve = ", ".join(f"{rho:.2f} of {size}" for size, rho in zip(sizes, reached, strict=True))
    needed = needed_networks(sizes, reached)
    estimate = (
        f"About {needed - n} more distinct networks are needed"
        if needed is not None
        else "More of the same would hardly help: check the column 'top1' and how it was measured"
    )
    return CannotRank(
        f"{n} networks do not allow to rank others: cross-validated Spearman "
        f"{found.spearman:.2f}, expected at least {MIN_SPEARMAN} "
        f"(mean absolute error {found.mae:.3g} points)",
        f"{estimate} (a power law through the Spearman reached with fewer: {curve}).",
    )


def learning_curve(
    measurements: Measurements, process: Process, seed: int
) -> tuple[list[int], list[float]]:
    """Cross-validated Spearman with a quarter, half and all of the networks."""
    order = np.random.default_rng(seed).permutation(len(measurements))
    sizes = sorted({max(len(order) // part, 10) for part in (4, 2, 1)})
    scores = [cross_validate(measurements.take(order[:n]), process, seed)[0] for n in sizes]
    return sizes, [each.spearman for each in scores]


def needed_networks(sizes: list[int], reached: list[float]) -> int | None:
    """Networks at which ``1 - Spearman`` falls to 0.2 if it goes on as a power of their number.

    None if it does not fall, or only beyond a million.
    """
    missing = np.log(np.maximum(1 - np.array(reached), 1e-6))
    slope, intercept = np.polyfit(np.log(sizes), missing, 1)
    if slope >= 0:
        return None
    needed = (np.log(1 - MIN_SPEARMAN) - intercept) / slope
    return None if needed > np.log(_MOST) else max(int(np.ceil(np.exp(needed))), sizes[-1] + 1)


def validity(measurements: Measurements) -> dict[str, Any]:
    """Ranges that the networks span, and how far apart they lie."""
    macs = measurements.space.macs(measurements.genes)
    inputs = measurements.space.onehot(measurements.genes)
    alike = inputs @ inputs.T
    sizes = inputs.sum(1)
    differing: NDArray[Any] = np.maximum(sizes[:, None], sizes) - alike
    np.fill_diagonal(differing, np.inf)
    nearest = differing.min(1)
    return {
        "top1": [float(measurements.top1.min()), float(measurements.top1.max())],
        "macs": [int(macs.min()), int(macs.max())],
        "differing_genes": {
            "nearest_median": float(np.median(nearest)),
            "nearest_most": float(nearest.max()),
        },
    }


def doubts(provenance: Mapping[str, Any]) -> list[str]:
    """Why a fitted model should be taken with care."""
    found = provenance.get("cross_validation", {})
    spearman = found.get("spearman")
    if spearman is None or spearman >= GOOD_SPEARMAN:
        return []
    return [
        f"it ranks networks with a Spearman of only {spearman:.3f} "
        f"(cross-validated on {provenance['networks']}; {GOOD_SPEARMAN} is good)"
    ]
