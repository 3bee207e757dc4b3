"""Fronts and hypervolumes against numbers known by other means."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from search.quality.indicators import (
    EXACT_POINTS,
    evaluations_to_reach,
    hypervolume,
    hypervolume_curve,
    igd,
    is_exact,
    non_dominated,
)
from search.quality.ranking import best, best_first, violation


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
        ([[1], [2]], [3], 2.0),
        ([[np.nan, 0], [-np.inf, 0]], [1, 1], 0.0),
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


def on_a_sphere(n, n_objectives, seed=0):
    """Points none of which dominates another."""
    points = np.abs(np.random.default_rng(seed).normal(size=(n, n_objectives)))
    return 1 - points / np.linalg.norm(points, axis=1, keepdims=True)


@pytest.mark.parametrize("n_objectives", [3, 4, 5])
def test_hypervolumes_of_up_to_five_objectives_are_exact(n_objectives):
    values, reference = on_a_sphere(200, n_objectives), np.ones(n_objectives)
    assert is_exact(values, reference)
    inside = np.random.default_rng(1).random((20_000, n_objectives))
    dominated = np.zeros(len(inside), bool)
    for row in values:
        dominated |= (row <= inside).all(1)
    error = np.sqrt(dominated.mean() * (1 - dominated.mean()) / len(inside))
    assert abs(hypervolume(values, reference) - dominated.mean()) < 4 * error


@pytest.mark.parametrize("n_objectives", [8, 10])
def test_large_fronts_of_many_objectives_are_estimated_within_a_percent(n_objectives):
    few = on_a_sphere(EXACT_POINTS[n_objectives], n_objectives)
    # Every point again, a little worse in one objective and a little better in another.
    moved = few + np.eye(n_objectives)[0] * 1e-9 - np.eye(n_objectives)[1] * 1e-9
    many = np.concatenate([few, moved])
    reference = np.ones(n_objectives)
    assert is_exact(few, reference)
    assert not is_exact(many, reference)
    exact = hypervolume(few, reference)
    assert hypervolume(many, reference) == pytest.approx(exact, rel=0.01)
    assert hypervolume(many, reference) == hypervolume(many, reference)
    assert hypervolume(many, reference) != exact


def test_units_do_not_change_an_estimate():
    values, reference = on_a_sphere(100, 9), np.ones(9)
    units = 2.0 ** np.arange(-12, 24, 4)
    expected = hypervolume(values, reference) * units.prod()
    assert hypervolume(values * units, reference * units) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("n", "n_objectives"), [(60, 2), (60, 3), (100, 8)])
def test_a_curve_is_the_hypervolume_of_the_first_evaluated(n, n_objectives):
    values, reference = on_a_sphere(n, n_objectives), np.full(n_objectives, 0.95)
    values[::7] = np.nan
    counts = [0, 1, 2, 30, 10, n, n + 5]
    curve = hypervolume_curve(values, reference, counts)
    ideal = np.nanmin(values, 0)
    estimated = 0.0 if is_exact(values, reference) else 0.05
    for count, found in zip(counts, curve, strict=True):
        expected = hypervolume(values[:count], reference, ideal)
        assert found == pytest.approx(expected, rel=max(estimated, 1e-12))
    assert curve[-1] == curve[-2] == hypervolume(values, reference)
    whole = hypervolume_curve(values, reference, range(n + 1))
    assert (np.diff(whole) >= -1e-12).all()
    assert whole[0] == 0 < whole[-1]


def test_no_curve_without_counts_or_values():
    assert hypervolume_curve(np.zeros((3, 2)), np.ones(2), []).shape == (0,)
    assert hypervolume_curve(np.zeros((0, 2)), np.ones(2), [0, 5]).tolist() == [0, 0]


@given(
    arrays(np.float64, st.tuples(st.integers(0, 25), st.just(2)), elements=st.integers(0, 9)),
    st.floats(0, 1.1),
)
def test_evaluations_to_reach_a_target_are_the_fewest(values, share):
    reference = np.full(2, 8.0)
    target = share * hypervolume(values, reference)
    counts = range(len(values) + 1)
    reached = [hypervolume(values[:count], reference) >= target for count in counts]
    expected = reached.index(True) if any(reached) else None
    assert evaluations_to_reach(values, reference, target) == expected


def test_what_is_estimated_is_reached_by_its_own_measure():
    values, reference = on_a_sphere(120, 9), np.ones(9)
    whole = hypervolume(values, reference)
    assert not is_exact(values, reference)
    assert evaluations_to_reach(values, reference, whole) <= 120
    assert evaluations_to_reach(values, reference, whole * (1 + 1e-9)) is None
    half = evaluations_to_reach(values, reference, 0.5 * whole)
    curve = hypervolume_curve(values, reference, [half - 1, half])
    assert curve[0] < 0.5 * whole <= curve[1]


def test_distances_to_a_front_known_by_hand():
    front = np.array([[0.0, 100.0], [5.0, 50.0], [10.0, 0.0]])
    assert igd(front, front) == 0
    assert igd(np.concatenate([front + 3, front]), front) == 0
    # Half the range away in one objective, from each of the other two.
    assert igd(front[1:], front) == pytest.approx(np.sqrt(0.5) / 3)
    assert igd(front + np.array([1.0, 0.0]), front) == pytest.approx(0.1)
    assert igd(front[:0], front) == np.inf
    assert igd(np.array([[np.nan, 0.0], [5.0, 50.0]]), front) == pytest.approx(2 * np.sqrt(0.5) / 3)


def test_distances_do_not_depend_on_units():
    front, values = on_a_sphere(50, 3), on_a_sphere(30, 3, seed=1)
    units = np.array([1e-3, 1.0, 1e9])
    assert igd(values * units + 7, front * units + 7) == pytest.approx(igd(values, front))
    assert igd(np.array([[3.0, 1.0]]), np.array([[1.0, 1.0]])) == 2
