"""Rank correlations are those of scipy, of which they are independent."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from nasprof.ranks import kendall, spearman


def pairs_of(values):
    return st.lists(st.tuples(values, values), min_size=2, max_size=60).filter(
        lambda pairs: all(len(set(column)) > 1 for column in zip(*pairs, strict=True))
    )


@given(
    pairs_of(st.integers(0, 4).map(float))
    | pairs_of(st.floats(allow_nan=False, allow_infinity=False, width=32))
)
def test_they_are_those_of_scipy(pairs):
    first, second = np.array(pairs).T
    assert spearman(first, second) == pytest.approx(stats.spearmanr(first, second).statistic)
    assert kendall(first, second) == pytest.approx(stats.kendalltau(first, second).statistic)


@pytest.mark.parametrize("n", [2, 3, 1000, 100_000])
def test_of_many_as_of_few(n):
    first, second = np.random.default_rng(0).normal(size=(2, n))
    second += first
    assert spearman(first, second) == pytest.approx(stats.spearmanr(first, second).statistic)
    assert kendall(first, second) == pytest.approx(stats.kendalltau(first, second).statistic)
    for correlation in (spearman, kendall):
        assert correlation(first, first) == pytest.approx(1)
        assert correlation(first, -first) == pytest.approx(-1)


@pytest.mark.parametrize("correlation", [spearman, kendall])
def test_no_number_has_no_rank(correlation):
    values, broken = np.array([1.0, 2.0, 3.0]), np.array([1.0, np.nan, 3.0])
    assert np.isnan(correlation(values, broken)) and np.isnan(correlation(broken, values))


@pytest.mark.parametrize("correlation", [spearman, kendall])
@pytest.mark.parametrize("constant", [np.ones(3), np.ones(1), np.ones(0)])
def test_what_is_constant_orders_nothing(correlation, constant):
    values = np.arange(len(constant), dtype=float)
    assert np.isnan(correlation(values, constant)) and np.isnan(correlation(constant, values))
