"""Estimators of latency from samples.

All take samples in milliseconds and are equivariant to their scale. The headline is the trimmed
mean: it uses most samples, as the mean does, and like the median ignores interruptions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasprof.errors import UsageError
from nasprof.typing import Array, JsonObject

BOOTSTRAP_RESAMPLES = 1000
_MAX_TRIM = 0.5


@dataclass(frozen=True)
class Estimates:
    """What samples say, in ms but for ``cv`` (standard deviation / mean).

    ``ci95`` is the bootstrap 95 % interval of the trimmed mean.
    """

    trimmed_mean: float
    median: float
    mean: float
    min: float
    p90: float
    p99: float
    std: float
    cv: float
    ci95: tuple[float, float]

    def to_dict(self) -> JsonObject:
        """As JSON: the interval as a list."""
        return {**self.__dict__, "ci95": list(self.ci95)}

    @property
    def relative_half_width(self) -> float:
        """Half the 95 % interval as a share of the trimmed mean."""
        low, high = self.ci95
        return (high - low) / 2 / self.trimmed_mean if self.trimmed_mean > 0 else 0.0


def estimate(
    samples_ms: ArrayLike,
    trim: float,
    rng: np.random.Generator,
    rounds: Sequence[int] | None = None,
) -> Estimates:
    """Every estimator of samples ``(n,)``.

    Args:
        samples_ms: samples ``(n,)``, n at least 1.
        trim: share of samples left out at each end by the trimmed mean.
        rng: draws the bootstrap's resamples.
        rounds: lengths of the rounds the samples were taken in, in order; see
            :func:`bootstrap_interval`.
    """
    samples = checked(samples_ms)
    mean, std = float(samples.mean()), float(samples.std(ddof=1)) if len(samples) > 1 else 0.0
    median, p90, p99 = np.percentile(samples, (50, 90, 99))
    return Estimates(
        trimmed_mean=trimmed_mean(samples, trim),
        median=float(median),
        mean=mean,
        min=float(samples.min()),
        p90=float(p90),
        p99=float(p99),
        std=std,
        cv=std / mean if mean > 0 else 0.0,
        ci95=bootstrap_interval(samples, trim, rng, rounds),
    )


def checked(samples_ms: ArrayLike) -> Array:
    """Samples as an array ``(n,)``.

    Raises:
        UsageError: there are none, or one is not a finite number of at least 0.
    """
    samples = np.asarray(samples_ms, np.float64)
    if samples.ndim != 1 or not len(samples):
        raise UsageError(f"samples: expected a list of at least one, got shape {samples.shape}")
    wrong = np.flatnonzero(~(np.isfinite(samples) & (samples >= 0)))
    if len(wrong):
        raise UsageError(
            f"samples[{wrong[0]}] is {samples[wrong[0]]}, expected a finite time of at least 0 ms"
        )
    return samples


def trimmed_mean(samples_ms: ArrayLike, trim: float) -> float:
    """Mean of samples ``(n,)`` without the ``floor(trim * n)`` smallest and largest.

    ``trim`` is at least 0 (the mean) and below 0.5.
    """
    samples = np.sort(checked(samples_ms))
    cut = _cut(len(samples), trim)
    return float(samples[cut : len(samples) - cut].mean())


def _cut(n: int, trim: float) -> int:
    if not 0 <= trim < _MAX_TRIM:
        raise UsageError(f"trim is {trim}, expected at least 0 and less than {_MAX_TRIM}")
    # 0.29 * 100 is 28.999999999999996, and means 29.
    return int(trim * n + 1e-9)


def bootstrap_interval(
    samples_ms: ArrayLike,
    trim: float,
    rng: np.random.Generator,
    rounds: Sequence[int] | None = None,
    resamples: int = BOOTSTRAP_RESAMPLES,
) -> tuple[float, float]:
    """95 % percentile-bootstrap interval of the trimmed mean (Efron & Tibshirani 1993, ch. 13).

    Samples of one round share the machine's condition of that moment, so that many of them are no
    better than one round. Given the lengths of at least two ``rounds``, whole rounds are
    resampled (the cluster bootstrap), and the interval is widened for their small number r by
    ``sqrt(r / (r - 1))`` and Student's t (Cameron, Gelbach & Miller 2008).
    """
    samples = checked(samples_ms)
    sizes = [1] * len(samples) if rounds is None or len(rounds) < 2 else list(rounds)
    if sum(sizes) != len(samples) or min(sizes) < 1:
        raise UsageError(f"rounds: lengths {sizes} do not add up to {len(samples)} samples")
    drawn = rng.multinomial(len(sizes), np.full(len(sizes), 1 / len(sizes)), resamples)
    means = _resampled_means(samples, np.asarray(sizes), drawn.astype(np.int32), trim)
    low, high = (float(bound) for bound in np.percentile(means, (2.5, 97.5)))
    if rounds is None or len(rounds) < 2:
        return low, high
    centre, widening = trimmed_mean(samples, trim), _widening(len(sizes))
    return (
        max(0.0, centre - (centre - low) * widening) if low < centre else low,
        centre + (high - centre) * widening if high > centre else high,
    )


def quick_half_width(round_means_ms: ArrayLike) -> float:
    """Half the 95 % interval of the mean of rounds ``(r,)`` as a share of it, by Student's t.

    Much cheaper than the bootstrap; infinite for one round.
    """
    means = checked(round_means_ms)
    if len(means) < 2 or not means.mean() > 0:
        return float("inf")
    normal = _NORMAL_975 * means.std() / np.sqrt(len(means)) / means.mean()
    return float(normal * _widening(len(means)))


def _resampled_means(
    samples: Array, sizes: NDArray[np.int64], counts: NDArray[np.int32], trim: float
) -> Array:
    """Trimmed means of resamples that hold round r ``counts[:, r]`` times: ``(resamples,)``.

    Each is the sum of whole rounds less that of its ends, for which only the outermost samples
    have to be looked at; nothing is sorted but the samples themselves, once.
    """
    owner = np.repeat(np.arange(len(sizes)), sizes)
    order = np.argsort(samples, kind="stable")
    total = counts @ sizes
    cut = (trim * total + 1e-9).astype(np.int32)
    whole = counts @ np.bincount(owner, samples)
    ends = (_end_sums(samples[end], counts, owner[end], cut) for end in (order, order[::-1]))
    return np.asarray((whole - sum(ends)) / (total - 2 * cut), np.float64)


def _end_sums(
    ordered: Array, counts: NDArray[np.int32], owner: NDArray[np.int64], cut: NDArray[np.int32]
) -> Array:
    """Sum of the first ``cut`` samples ``(resamples,)`` of each resample."""
    looked_at = min(len(ordered), 2 * int(cut.max()) + 10)
    while True:
        reached = np.cumsum(counts[:, owner[:looked_at]], axis=1, dtype=np.int32)
        if looked_at == len(ordered) or (reached[:, -1] >= cut).all():
            break
        looked_at = min(len(ordered), 2 * looked_at)
    taken: NDArray[np.int32] = np.diff(np.minimum(reached, cut[:, None]), axis=1, prepend=0)
    return np.asarray(taken @ ordered[:looked_at], np.float64)


_NORMAL_975 = 1.959964
_STUDENT_975 = (12.706205, 4.302653, 3.182446, 2.776445)
"""Student's t at 0.975 for 1 to 4 degrees of freedom, where the expansion falls short of it."""


def _widening(rounds: int) -> float:
    """What a normal interval over few rounds lacks: t's quantile over the normal one's.

    From 5 degrees of freedom on the quantile is Fisher's expansion (Abramowitz & Stegun 26.7.5),
    which is right to four digits there and spares the import of scipy.
    """
    z, freedom = _NORMAL_975, rounds - 1
    terms = (
        z,
        (z**3 + z) / 4 / freedom,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96 / freedom**2,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384 / freedom**3,
    )
    few = freedom <= len(_STUDENT_975)
    quantile = _STUDENT_975[freedom - 1] if few else sum(terms)
    return float(quantile / z * np.sqrt(rounds / freedom))


def robust_spread(samples_ms: ArrayLike) -> float:
    """Standard deviation as a share of the median, by the median absolute deviation.

    That of a normal distribution's bulk: bursts in less than half of the samples do not count.
    """
    samples = checked(samples_ms)
    median = float(np.median(samples))
    return float(1.4826 * np.median(np.abs(samples - median)) / median) if median > 0 else 0.0


def paired_multiple(rounds_ms: ArrayLike, sentinel_ms: ArrayLike) -> float:
    """Latency as a multiple of a sentinel's: the median of the ratios of rounds ``(r,)``.

    Both take turns within a round, so that what changes the device's speed from one round to
    another, for seconds or for good, cancels out; a ratio of two means over all rounds would keep
    what hit the rounds unequally. Of a round the fastest run of each is given: what disturbs a run
    only ever makes it longer, and hits the two at random.

    Raises:
        UsageError: there are no rounds, or a sentinel's time is not above 0.
    """
    rounds, sentinel = checked(rounds_ms), checked(sentinel_ms)
    if len(rounds) != len(sentinel) or not (sentinel > 0).all():
        raise UsageError(
            f"sentinel: expected {len(rounds)} times above 0, got {sentinel.tolist()[:5]}"
        )
    return float(np.median(rounds / sentinel))
