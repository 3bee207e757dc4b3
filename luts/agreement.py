"""How well predicted latencies agree with measured ones, and what that allows to promise.

Calibration is linear. Upper bounds are those of split conformal prediction on the ratio of
measured to predicted latency: of n audited networks, the ``ceil((n + 1) * confidence)``-th
smallest ratio is exceeded by a new one with a probability of at most ``1 - confidence``, whatever
the distribution (Vovk et al. 2005; Lei et al. 2018, Sec. 2.2). Where n is too small for that rank
to exist, the bound is the upper limit of Student's t prediction interval of the logarithms, which
does assume a distribution and is marked so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from math import ceil, exp, hypot, log
from typing import Literal, Self, TypeAlias, overload

import numpy as np

from luts.speed import Speed
from nasprof.errors import UsageError
from nasprof.typing import Array, JsonObject

CONFIDENCES = (0.9, 0.95, 0.99)
"""Confidences that upper bounds are quoted for."""

MAX_MAPE = 0.05
MIN_SPEARMAN = 0.95


@dataclass(frozen=True)
class Agreement:
    """Predicted against measured latency of ``n`` networks; errors as shares of the measured.

    Args:
        mape: mean absolute error.
        bias: mean error; negative where predictions are too low.
        spearman: rank correlation.
        kendall: rank correlation, tau-b.
        worst: largest absolute error.
    """

    n: int
    mape: float
    bias: float
    spearman: float
    kendall: float
    worst: float

    @property
    def holds(self) -> bool:
        """Whether predictions this good may be relied on."""
        return self.mape <= MAX_MAPE and self.spearman >= MIN_SPEARMAN

    def shortfall(self, where: str) -> str:
        """What is missed, in words, if :attr:`holds` is false."""
        return (
            f"it misses {MAX_MAPE:.0%} error or {MIN_SPEARMAN} rank correlation: {where} "
            f"MAPE {self.mape:.1%}, Spearman {self.spearman:.3f}"
        )

    def to_dict(self) -> JsonObject:
        """As JSON."""
        return asdict(self)


def agreement(predicted_ms: Array, measured_ms: Array) -> Agreement:
    """Agreement of predictions with measurements.

    Args:
        predicted_ms: ``(n,)``, n at least 2.
        measured_ms: ``(n,)``.

    Raises:
        UsageError: there are fewer than 2.

    >>> import numpy as np
    >>> agreement(np.array([1.1, 2.0]), np.array([1.0, 2.0])).mape
    0.050000000000000044
    """
    from scipy.stats import kendalltau, spearmanr

    if len(predicted_ms) < 2:
        raise UsageError(f"{len(predicted_ms)} networks cannot be ranked, expected at least 2")
    errors = predicted_ms / measured_ms - 1
    constant = np.ptp(predicted_ms) == 0 or np.ptp(measured_ms) == 0
    ranks = (
        (0.0, 0.0)
        if constant
        else (
            float(spearmanr(predicted_ms, measured_ms).statistic),
            float(kendalltau(predicted_ms, measured_ms).statistic),
        )
    )
    return Agreement(
        n=len(errors),
        mape=float(np.abs(errors).mean()),
        bias=float(errors.mean()),
        spearman=ranks[0],
        kendall=ranks[1],
        worst=float(np.abs(errors).max()),
    )


@dataclass(frozen=True)
class Calibration:
    """A line, ``latency = slope * prediction + intercept_ms``, fitted on ``n`` networks.

    Far below them a negative intercept would make a latency vanish: it never takes away more than
    nine tenths.
    """

    slope: float = 1.0
    intercept_ms: float = 0.0
    n: int = 0

    def __call__(self, predicted_ms: Array) -> Array:
        """Calibrated predictions."""
        scaled = self.slope * predicted_ms
        return np.maximum(scaled + self.intercept_ms, 0.1 * scaled)

    def to_dict(self) -> JsonObject:
        """As JSON."""
        return asdict(self)


def calibrate(predicted_ms: Array, measured_ms: Array) -> Calibration:
    """The line of least squared relative error through predictions and measurements ``(n,)``.

    Of fewer than 4 networks only the slope is taken, of none nothing.
    """
    n = len(predicted_ms)
    if n == 0:
        return Calibration()
    relative = predicted_ms / measured_ms
    if n >= 4 and np.ptp(predicted_ms) > 0:
        design = np.stack([relative, 1 / measured_ms], 1)
        slope, intercept = np.linalg.lstsq(design, np.ones(n), rcond=None)[0]
        if slope > 0:
            return Calibration(float(slope), float(intercept), n)
    return Calibration(float(relative.sum() / (relative**2).sum()), 0.0, n)


Method: TypeAlias = Literal["none", "conformal", "student", "answers", "answers-student"]
"""What a bound rests on: random networks or answers of a search, and on how many of them."""


@dataclass(frozen=True)
class Bound:
    """What a network takes at most, with some confidence, by its prediction.

    That is ``factor * at * (prediction / at) ** power``, and at least ``least`` times the
    prediction: what is called "at most" is never below the prediction.

    Args:
        factor: times a prediction of ``at``.
        typical: what the factor would be without a margin: how far such networks are off.
        power: below 1 where small networks are underestimated by more than large ones.
        at: the prediction that the factor is of.
        least: at least 1.
    """

    factor: float
    method: Method
    typical: float = 1.0
    power: float = 1.0
    at: float = 1.0
    least: float = 1.0

    @overload
    def upper(self, predicted: float) -> float: ...
    @overload
    def upper(self, predicted: Array) -> Array: ...
    def upper(self, predicted: Array | float) -> Array | float:
        """What networks take at most that are predicted to take ``predicted``, of any shape."""
        above = self.factor * self.at * (predicted / self.at) ** self.power
        most = np.maximum(self.least * predicted, above)
        return most if most.ndim else float(most)

    def limit(self, budget: float) -> float:
        """The largest prediction of which the bound is within a budget."""
        above = self.at * (budget / (self.factor * self.at)) ** (1 / self.power)
        return float(min(budget / self.least, above))

    def at_speed(self, speed: Speed) -> Self:
        """The bound on what networks take at that speed, by what they are predicted at the table's.

        The margin and the interval of the speed are of independent errors: their squares add.
        """
        reach = log(speed.high / speed.factor)

        def widened(factor: float, typical: float) -> float:
            margin = max(log(factor / typical), 0.0)
            return speed.factor * typical * exp(hypot(margin, reach))

        return replace(
            self,
            factor=widened(self.factor, self.typical),
            typical=speed.factor * self.typical,
            least=widened(self.least, 1.0),
        )

    def to_dict(self) -> JsonObject:
        """As JSON."""
        return asdict(self)


NO_BOUND = Bound(1.0, "none")
"""Takes predictions as they are."""


def upper_bound(ratios: Array, confidence: float) -> Bound:
    """Bound on the ratio of measured to predicted latency, from ratios ``(n,)`` of an audit.

    Raises:
        UsageError: the confidence is not between 0 and 1, or there are fewer than 2 ratios.
    """
    if not 0 < confidence < 1:
        raise UsageError(f"confidence is {confidence}, expected between 0 and 1")
    n = len(ratios)
    if n < 2:
        raise UsageError(f"{n} networks are too few for an upper bound, expected at least 2")
    # 0.95 * 20 is 19.000000000000004 in some roundings, and means 19.
    rank = ceil((n + 1) * confidence - 1e-9)
    if rank <= n:
        return Bound(max(1.0, float(np.sort(ratios)[rank - 1])), "conformal")
    return Bound(max(1.0, student_limit(ratios, confidence), float(ratios.max())), "student")


def student_limit(ratios: Array, confidence: float) -> float:
    """Upper limit of Student's t prediction interval of the logarithms of ratios ``(n,)``."""
    from scipy.special import stdtrit

    logs, n = np.log(ratios), len(ratios)
    reach = stdtrit(n - 1, confidence) * logs.std(ddof=1) * np.sqrt(1 + 1 / n)
    return float(np.exp(logs.mean() + reach))


def upper_bounds(ratios: Array, confidences: Sequence[float] = CONFIDENCES) -> dict[float, Bound]:
    """The bound of each confidence."""
    return {confidence: upper_bound(ratios, confidence) for confidence in confidences}
