"""Ranges of an archive, and what is trained to follow it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare
from small_supernets import SPACES

from nasprof.errors import UsageError
from search.adaptation.shares import distribution, range_of, spread
from supernets.training.gene_distribution import GeneDistribution

SPACE = SPACES["ofa-mbv3"]


@given(
    st.lists(st.floats(1, 1000), min_size=1, max_size=30),
    st.integers(1, 8),
)
def test_every_size_is_in_one_of_the_ranges_and_larger_ones_in_no_lower(sizes, ranges):
    numbers = range_of(np.array(sizes), (1.0, 1000.0), ranges)
    assert ((numbers >= 0) & (numbers < ranges)).all()
    assert (np.diff(numbers[np.argsort(sizes, kind="stable")]) >= 0).all()


def test_ranges_are_equally_wide_on_a_logarithmic_scale():
    sizes = np.array([1.0, 9.9, 10.1, 99.0, 101.0, 1000.0])
    assert range_of(sizes, (1.0, 1000.0), 3).tolist() == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize("ends", [(0.0, 5.0), (3.0, 3.0), (-1.0, 4.0)])
def test_without_a_range_there_is_one_group(ends):
    assert range_of(np.array([1.0, 2.0]), ends, 4).tolist() == [0, 0]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=40), st.integers(1, 40), st.integers(0, 5))
def test_groups_have_equal_shares_as_far_as_they_go(groups, n, seed):
    rng = np.random.default_rng(seed)
    groups = np.array(groups)
    values = rng.random((len(groups), 2))
    kept = spread(values, groups, np.full(2, np.inf), n, rng)
    assert len(kept) == min(n, len(groups)) == len(set(kept.tolist()))
    counts = np.bincount(groups[kept], minlength=4)
    available = np.bincount(groups, minlength=4)
    for group in np.flatnonzero(counts < available):  # it could have more
        assert counts[group] >= counts.max() - 1


def test_the_best_of_each_group_are_kept():
    values = np.array([[0.0, 0.0], [1.0, 1.0], [5.0, 5.0], [6.0, 6.0]])
    kept = spread(values, np.array([0, 0, 1, 1]), np.full(2, np.inf), 2, np.random.default_rng(0))
    assert kept.tolist() == [0, 2]


# --- what is trained --------------------------------------------------------------------------


def test_networks_are_drawn_as_often_as_the_archive_has_their_choices():
    rng = np.random.default_rng(3)
    archive = SPACE.sample(40, rng, "biased")
    drawn = GeneDistribution.of(SPACE, [archive])
    n = 6000
    genes = drawn.sample(n, rng)
    assert (SPACE.canonical(genes) == genes).all()
    active, before = SPACE.active(genes), SPACE.active(archive)
    p_values = []
    for gene in range(SPACE.n_genes):
        known = archive[before[:, gene], gene]
        shares = np.bincount(known, minlength=3) / len(known)
        counts = np.bincount(genes[active[:, gene], gene], minlength=3)
        assert not counts[shares == 0].any()
        expected = shares * counts.sum()
        if (expected > 0).sum() > 1:
            p_values.append(chisquare(counts[shares > 0], expected[shares > 0]).pvalue)
    # Of 45 tests of something true the least p is below 1e-4 once in 200 times.
    assert len(p_values) > 30
    assert min(p_values) > 1e-4
    assert np.mean(p_values) > 0.3


def corners():
    """The smallest and the largest network, 30 of the first and one of the second."""
    small, large = np.zeros((30, SPACE.n_genes), np.int8), SPACE.n_choices[None] - 1
    return SPACE.canonical(np.concatenate([small, large]).astype(np.int8))


def share_of(network, drawn, n=4000):
    """How often a distribution draws a network ``(n_genes,)``."""
    genes = drawn.sample(n, np.random.default_rng(0))
    return (genes == network).all(1).mean()


NONE = np.empty(0, np.intp)
GROUPS = np.array([0] * 30 + [1])


@pytest.mark.parametrize(("effort", "expected"), [(1.0, 1 / 2), (3.0, 1 / 4), (0.5, 2 / 3)])
def test_a_range_has_the_share_that_its_effort_allows(effort, expected):
    archive, efforts = corners(), np.array([1.0] * 30 + [effort])
    drawn = distribution(SPACE, archive, GROUPS, efforts, NONE, 0.75)
    assert share_of(archive[-1], drawn) == pytest.approx(expected, abs=0.03)
    assert share_of(archive[0], drawn) == pytest.approx(1 - expected, abs=0.03)


@pytest.mark.parametrize("focus", [0.0, 0.25, 0.75, 1.0])
def test_the_front_has_the_share_that_is_asked_for(focus):
    archive, efforts = corners(), np.ones(31)
    drawn = distribution(SPACE, archive, GROUPS, efforts, np.array([30]), focus)
    # Half of the rest is of the range that the front is in.
    assert share_of(archive[-1], drawn) == pytest.approx(focus + (1 - focus) / 2, abs=0.03)


def test_ranges_of_the_front_have_shares_as_those_of_the_archive():
    archive, efforts = corners(), np.array([1.0] * 30 + [3.0])
    drawn = distribution(SPACE, archive, GROUPS, efforts, np.array([4, 30]), 1.0)
    assert share_of(archive[-1], drawn) == pytest.approx(0.25, abs=0.03)


def test_a_gene_that_is_never_active_is_uniform():
    smallest = SPACE.canonical(np.zeros((5, SPACE.n_genes), np.int8))
    shares = GeneDistribution.of(SPACE, [smallest]).shares[0]
    inactive = ~SPACE.active(smallest)[0]
    assert inactive.any()
    np.testing.assert_allclose(shares[inactive], 1 / 3)


def test_an_archive_without_networks_has_no_distribution():
    with pytest.raises(UsageError, match="without networks"):
        GeneDistribution.of(SPACE, [np.empty((0, SPACE.n_genes), np.int8)])
