"""Fronts and hypervolumes against numbers known by other means."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from search.runs.indicators import hypervolume, non_dominated
from search.runs.ranking import best, best_first, violation


def dominated_by_any(values):
    """By the definition, pair by pair."""
    no_worse = (values[:, None] <= values[None]).all(2)
    better = (values[:, None] < values[None]).any(2)
    return (no_worse & better).any(0)


@given(
    st.integers(1, 3).flatmap(
        lambda m: arrays(
            np.float64,
            st.tuples(st.integers(0, 30), st.just(m)),
            elements=st.integers(0, 6).map(float),
        )
    )
)
def test_a_front_is_what_nothing_dominates_without_repetition(values):
    front = non_dominated(values)
    expected = values[~dominated_by_any(values)] if len(values) else values
    assert sorted(map(tuple, values[front])) == sorted(set(map(tuple, expected)))
    assert (np.diff(values[front, -1]) >= 0).all()


def test_what_is_not_known_is_on_no_front():
    values = np.array([[np.nan, 0.0], [0.0, np.inf], [1.0, 1.0], [-np.inf, 0.0]])
    assert non_dominated(values).tolist() == [2]


@pytest.mark.parametrize(
    ("values", "reference", "volume"),
    [
        ([[1, 1]], [3, 4], 6.0),
        ([[1, 3], [2, 2], [3, 1]], [4, 4], 6.0),
        ([[1, 3], [2, 2], [3, 1], [3, 3], [2, 2]], [4, 4], 6.0),
        ([[5, 1], [1, 4]], [4, 4], 0.0),
        ([], [1, 1], 0.0),
        ([[0, 0, 0]], [2, 3, 4], 24.0),
        ([[0, 1, 1], [1, 0, 1], [1, 1, 0]], [2, 2, 2], 4.0),
        ([[3, 3, 3]], [2, 2, 2], 0.0),
    ],
)
def test_hypervolumes_known_by_hand(values, reference, volume):
    values = np.array(values, float).reshape(-1, len(reference))
    assert hypervolume(values, np.array(reference, float)) == pytest.approx(volume)


def test_two_objectives_agree_with_the_general_algorithm(rng):
    values = rng.random((200, 2))
    flat = np.concatenate([values, np.zeros((200, 1))], 1)
    corner = np.array([1.0, 1.0])
    assert hypervolume(values, corner) == pytest.approx(hypervolume(flat, np.ones(3)))


def test_the_ranking_puts_limits_first():
    worst = np.array([np.inf, 10.0])
    values = np.array([[-80.0, 12.0], [-70.0, 9.0], [-75.0, 10.0], [-90.0, 11.0], [np.nan, 1.0]])
    assert best_first(values, worst).tolist() == [2, 1, 3, 0, 4]
    assert violation(values, worst).tolist() == pytest.approx([0.2, 0, 0, 0.1, np.inf])
    assert best(values, worst) == 2
    assert best(values[[0, 3, 4]], worst) is None
    assert best(values[:0], worst) is None
