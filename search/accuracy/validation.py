"""Judging accuracy models by cross-validation, and refusing measurements that cannot rank.

Folds are of distinct networks: repeats of one are never on both sides.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from nasprof.folds import folds
from nasprof.typing import Array, JsonObject
from search.accuracy.errors import CannotRank
from search.accuracy.kernel_fit import fit_kernel, most_likely
from search.accuracy.measurements import MeasuredAccuracy
from search.regression.gaussian import Process

FOLDS = 5
MIN_NETWORKS = 20
MIN_SPEARMAN = 0.8

_NORMAL_95 = 1.96
_COVERAGE, _CONFIDENCE = 0.95, 0.9
_LEAST_CAUTION = 0.5
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

    def to_dict(self) -> JsonObject:
        """As JSON."""
        return asdict(self)


def score(predicted: Array, std: Array, top1: Array) -> Score:
    """The score of predictions.

    Args:
        predicted: in percent, ``(n,)``.
        std: their standard deviations in points, ``(n,)``.
        top1: measured, in percent, ``(n,)``.
    """
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


def cross_validate(
    measurements: MeasuredAccuracy, process: Process, seed: int
) -> tuple[Score, float]:
    """The score on networks of other folds, and the caution that standard deviations need.

    Hyperparameters are improved anew in each fold. The score's coverage is without the caution.

    Args:
        measurements: of distinct networks.
        process: where the search for hyperparameters begins in each fold.
        seed: of the folds.
    """
    predicted, std = np.empty((2, len(measurements)))
    for others, fold in folds(len(measurements), FOLDS, seed):
        rest = measurements.take(others)
        model = fit_kernel(rest, most_likely(rest, process.kernel.form, seed, process))
        genes = measurements.genes[fold]
        predicted[fold], std[fold] = model.top1(genes), model.std(genes)
    reached = score(predicted, std, measurements.top1)
    return reached, needed_caution(np.abs(predicted - measurements.top1) / std)


def needed_caution(ratios: Array) -> float:
    """The factor on standard deviations at which 1.96 of them cover 95 % of networks.

    With 90 % confidence, whatever the distribution (Wilks, "Determination of Sample Sizes for
    Setting Tolerance Limits", 1941): with fewer networks it is larger.

    Args:
        ratios: absolute errors of held-out networks over their standard deviations, ``(n,)``.
    """
    from scipy.stats import binom

    rank = min(int(binom.ppf(_CONFIDENCE, len(ratios), _COVERAGE)), len(ratios) - 1)
    return max(float(np.sort(ratios)[rank]) / _NORMAL_95, _LEAST_CAUTION)


def check_enough(measurements: MeasuredAccuracy) -> None:
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


def cannot_rank(
    measurements: MeasuredAccuracy, process: Process, reached: Score, seed: int
) -> CannotRank:
    """The refusal of measurements that do not allow to rank, with how many more are needed.

    Args:
        measurements: of distinct networks.
        process: hyperparameters of all of them.
        reached: what cross-validation came to.
        seed: of the folds.
    """
    n = len(measurements)
    sizes, spearmans = learning_curve(measurements, process, seed)
    sizes, spearmans = [*sizes, n], [*spearmans, reached.spearman]
    curve = ", ".join(f"{rho:.2f} of {size}" for size, rho in zip(sizes, spearmans, strict=True))
    needed = needed_networks(sizes, spearmans)
    estimate = (
        f"About {needed - n} more distinct networks are needed"
        if needed is not None
        else "More of the same would hardly help: check the column 'top1' and how it was measured"
    )
    return CannotRank(
        f"{n} networks do not allow to rank others: cross-validated Spearman "
        f"{reached.spearman:.2f}, expected at least {MIN_SPEARMAN} "
        f"(mean absolute error {reached.mae:.3g} points)",
        f"{estimate} (a power law through the Spearman reached with fewer: {curve}).",
    )


def learning_curve(
    measurements: MeasuredAccuracy, process: Process, seed: int
) -> tuple[list[int], list[float]]:
    """Cross-validated Spearman with a quarter and half of the networks.

    Args:
        measurements: of distinct networks.
        process: hyperparameters of all of them.
        seed: of the folds.

    Returns:
        Numbers of networks, and the Spearman that each reaches.
    """
    order = np.random.default_rng(seed).permutation(len(measurements))
    sizes = sorted({max(len(order) // part, 10) for part in (4, 2)})
    scores = [cross_validate(measurements.take(order[:n]), process, seed)[0] for n in sizes]
    return sizes, [reached.spearman for reached in scores]


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
