"""Estimators: bounds, order, scale, special cases, and how often the interval is right."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pomonag_protocol import pomonag_mean
from scipy import stats

from nasprof.errors import UsageError
from profiler.measuring.estimates import (
    Estimates,
    bootstrap_interval,
    estimate,
    paired_multiple,
    quick_half_width,
    trimmed_mean,
)

times = st.floats(1e-4, 1e4)
samples = st.lists(times, min_size=1, max_size=60)
trims = st.floats(0, 0.49)


def fresh():
    return np.random.default_rng(1)


@given(samples, trims)
def test_estimates_lie_within_the_samples_and_in_order(values, trim):
    found = estimate(values, trim, fresh())
    slack = 1e-9 * max(values)
    low, high = found.ci95
    for value in (found.trimmed_mean, found.median, found.mean, found.p90, found.p99, low, high):
        assert min(values) - slack <= value <= max(values) + slack
    assert found.min == min(values)
    assert found.min <= found.median <= found.p90 <= found.p99
    assert low <= high
    assert found.std >= 0


@given(samples, trims, st.floats(1e-2, 1e2))
def test_estimates_scale_with_the_samples(values, trim, factor):
    once = estimate(values, trim, fresh())
    scaled = estimate([factor * value for value in values], trim, fresh())
    for name in ("trimmed_mean", "median", "mean", "min", "p90", "p99"):
        assert getattr(scaled, name) == pytest.approx(factor * getattr(once, name), rel=1e-9)
    assert scaled.std == pytest.approx(factor * once.std, rel=1e-6, abs=1e-9 * scaled.mean)
    assert scaled.cv == pytest.approx(once.cv, rel=1e-6, abs=1e-9)
    slack = 1e-9 * factor * max(values)
    assert scaled.ci95 == pytest.approx([factor * bound for bound in once.ci95], abs=slack)


@given(samples, trims, st.randoms())
def test_estimates_do_not_depend_on_the_order_of_samples(values, trim, random):
    shuffled = random.sample(values, len(values))
    assert trimmed_mean(values, trim) == pytest.approx(trimmed_mean(shuffled, trim), rel=1e-12)


@given(samples)
def test_without_trimming_it_is_the_mean(values):
    assert trimmed_mean(values, 0.0) == pytest.approx(np.mean(values), rel=1e-12)


@given(samples, trims)
def test_trimmed_mean_is_scipys(values, trim):
    # Just below a whole number of samples ours counts it as whole; see the next test.
    assume(abs(trim * len(values) - round(trim * len(values))) > 1e-6 or trim == 0)
    assert trimmed_mean(values, trim) == pytest.approx(stats.trim_mean(values, trim), rel=1e-9)


def test_exact_shares_of_samples_are_trimmed():
    """In floating point 0.29 * 100 is 28.999999999999996."""
    values = np.arange(100.0)
    values[-29:] = 1e6
    assert trimmed_mean(values, 0.29) < 100


@given(samples)
def test_the_trimmed_mean_of_equal_samples_is_that_sample(values):
    same = [values[0]] * len(values)
    found = estimate(same, 0.1, fresh())
    assert found.trimmed_mean == pytest.approx(values[0], rel=1e-12)
    assert found.relative_half_width == pytest.approx(0, abs=1e-9)
    assert found.cv == pytest.approx(0, abs=1e-9)


@given(st.lists(times, min_size=100, max_size=100, unique=True))
def test_pomonags_rule_on_100_samples_is_the_mean_trimmed_by_five_percent(values):
    assert pomonag_mean(values) == pytest.approx(trimmed_mean(values, 0.05), rel=1e-9)


def test_outliers_do_not_move_trimmed_mean_and_pomonags_mean():
    values = [5.0] * 95 + [500.0] * 5
    assert trimmed_mean(values, 0.1) == pytest.approx(5.0)
    assert pomonag_mean(values) == pytest.approx(5.0)
    assert np.mean(values) > 29


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -1.0])
def test_what_is_no_time_is_refused_by_index(bad):
    for estimator in (lambda v: trimmed_mean(v, 0.1), _all):
        with pytest.raises(UsageError, match=r"samples\[2\]"):
            estimator([1.0, 2.0, bad, 3.0])


def _all(values):
    return estimate(values, 0.1, fresh())


@pytest.mark.parametrize("bad", [[], [[1.0, 2.0]]])
def test_no_samples_and_wrong_shapes_are_refused(bad):
    with pytest.raises(UsageError, match="at least one"):
        trimmed_mean(bad, 0.1)


@pytest.mark.parametrize("trim", [-0.1, 0.5, 1.0, float("nan")])
def test_a_senseless_trim_is_refused(trim):
    with pytest.raises(UsageError, match="trim"):
        trimmed_mean([1.0, 2.0], trim)


def test_lengths_of_rounds_have_to_add_up():
    with pytest.raises(UsageError, match="rounds"):
        bootstrap_interval([1.0, 2.0, 3.0], 0.1, fresh(), [2, 2])


@settings(max_examples=30)
@given(st.lists(samples, min_size=2, max_size=6), trims)
def test_the_interval_over_rounds_contains_what_it_is_about(rounds, trim):
    values = np.concatenate(rounds)
    lengths = [len(taken) for taken in rounds]
    low, high = bootstrap_interval(values, trim, fresh(), lengths)
    slack = 1e-9 * max(values)
    assert 0 <= low <= trimmed_mean(values, trim) + slack
    assert trimmed_mean(values, trim) - slack <= high
    assert (low, high) == bootstrap_interval(values, trim, fresh(), lengths)


@settings(max_examples=30)
@given(samples, trims, st.integers(1, 5))
def test_the_bootstrap_is_the_one_of_the_textbook(values, trim, repeat):
    """Resamples drawn sample by sample and trimmed one by one, from the same random numbers."""
    values = values * repeat
    low, high = bootstrap_interval(values, trim, fresh(), resamples=50)
    counts = fresh().multinomial(len(values), np.full(len(values), 1 / len(values)), 50)
    means = [trimmed_mean(np.repeat(values, row), trim) for row in counts]
    slack = 1e-9 * max(values)
    assert (low, high) == pytest.approx(np.percentile(means, (2.5, 97.5)), abs=slack)


def test_rounds_that_differ_widen_the_interval(rng):
    """50 runs in a slow minute are not 50 independent samples."""
    levels = np.repeat([5.0, 5.2, 4.9, 5.3, 5.1, 4.8], 50)
    values = levels + 0.01 * rng.standard_normal(300)
    low, high = bootstrap_interval(values, 0.1, rng)
    low_rounds, high_rounds = bootstrap_interval(values, 0.1, rng, [50] * 6)
    assert high_rounds - low_rounds > 5 * (high - low)


@pytest.mark.parametrize("rounds", [5, 12])
def test_the_interval_holds_the_truth_about_as_often_as_it_says(rng, rounds):
    """95 % intervals of rounds that vary by 2 %, drawn 300 times."""
    hits = 0
    for _ in range(300):
        levels = 5 + 0.1 * rng.standard_normal((rounds, 1))
        values = (levels + 0.05 * rng.standard_normal((rounds, 10))).ravel()
        low, high = bootstrap_interval(values, 0.1, rng, [10] * rounds, resamples=200)
        hits += low <= 5 <= high
    assert 0.88 <= hits / 300 <= 0.99


def test_the_quick_width_is_close_to_the_bootstraps(rng):
    levels = 5 + 0.1 * rng.standard_normal((12, 1))
    values = levels + 0.05 * rng.standard_normal((12, 50))
    found = estimate(values.ravel(), 0.1, rng, [50] * 12)
    means = [trimmed_mean(row, 0.1) for row in values]
    assert quick_half_width(means) == pytest.approx(found.relative_half_width, rel=0.25)
    assert quick_half_width([5.0]) == float("inf")
    assert quick_half_width([5.0, 5.0]) == 0.0


@pytest.mark.parametrize("rounds", [4, 5, 8, 20, 60])
def test_few_rounds_are_judged_by_students_t(rng, rounds):
    means = 5 + rng.standard_normal(rounds)
    exact = stats.t.ppf(0.975, rounds - 1) * stats.sem(means) / means.mean()
    assert quick_half_width(means) == pytest.approx(exact, rel=0.01)


def test_json_has_every_estimator():
    found = estimate([1.0, 2.0, 3.0], 0.1, fresh()).to_dict()
    names = {"trimmed_mean", "median", "mean", "min", "p90", "p99", "std", "cv", "ci95"}
    assert set(found) == names
    assert isinstance(found["ci95"], list)
    assert found["std"] == pytest.approx(1.0)
    assert found["cv"] == pytest.approx(0.5)


def test_relative_half_width():
    found = Estimates(10.0, 10, 10, 10, 10, 10, 0, 0, (9.8, 10.4))
    assert found.relative_half_width == pytest.approx(0.03)


def test_a_multiple_is_paired_by_rounds_so_that_a_change_of_speed_cancels_out():
    steady, slow = np.full(6, 2.0), np.array([1, 1, 1.3, 1.3, 1.3, 1.3])
    assert paired_multiple(3 * steady * slow, steady * slow) == pytest.approx(3.0)
    # A third of the rounds disturbed in the model alone does not move it.
    assert paired_multiple([6.0, 6.0, 9.0], [2.0, 2.0, 2.0]) == pytest.approx(3.0)
    with pytest.raises(UsageError, match="sentinel: expected 2 times above 0"):
        paired_multiple([6.0, 6.0], [2.0, 0.0])
    with pytest.raises(UsageError, match="sentinel: expected 2 times"):
        paired_multiple([6.0, 6.0], [2.0])


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6, 10, 40])
def test_the_quick_interval_is_students(n):
    from scipy.stats import t

    means = np.linspace(5.0, 5.1, n)
    exact = t.ppf(0.975, n - 1) * means.std(ddof=1) / np.sqrt(n) / means.mean()
    assert quick_half_width(means) == pytest.approx(exact, rel=2e-3)


def test_the_quick_interval_of_two_rounds():
    assert quick_half_width([5.0, 5.1]) == pytest.approx(0.1258, abs=1e-4)
