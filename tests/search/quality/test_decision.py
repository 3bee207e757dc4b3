"""Choosing from a front without preferences: known knees, and what may not matter."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from search.quality.decision import RADIUS, knee, preferred, trade_off

fronts = st.integers(1, 4).flatmap(
    lambda m: arrays(
        np.float64, st.tuples(st.integers(1, 20), st.just(m)), elements=st.integers(0, 16)
    )
)
seeds = st.integers(0, 2**32 - 1)


def choices(values):
    """What is chosen, by its values."""
    return values[knee(values)].tolist(), values[preferred(values)].tolist()


@given(fronts, seeds)
def test_the_order_of_solutions_changes_nothing(values, seed):
    order = np.random.default_rng(seed).permutation(len(values))
    assert choices(values[order]) == choices(values)
    assert np.array_equal(trade_off(values[order]), trade_off(values)[order])


@given(fronts, seeds)
def test_units_change_nothing(values, seed):
    rng = np.random.default_rng(seed)
    # Powers of two and whole numbers, which lose no digit.
    scale = 2.0 ** rng.integers(-6, 30, values.shape[1])
    shift = scale * rng.integers(-100, 100, values.shape[1])
    assert np.array_equal(trade_off(values * scale + shift), trade_off(values))
    assert knee(values * scale + shift) == knee(values)
    assert preferred(values * scale + shift).tolist() == preferred(values).tolist()


@given(fronts, seeds)
def test_repeated_solutions_change_nothing(values, seed):
    again = np.random.default_rng(seed).integers(0, len(values), 5)
    more = np.concatenate([values, values[again]])
    assert choices(more) == choices(values)
    assert np.array_equal(trade_off(more), trade_off(values)[[*range(len(values)), *again]])
    assert knee(more) < len(values)


# --- knee -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ([[0, 10], [1, 9], [2, 2], [6, 1], [10, 0]], 2),
        ([[0, 1000], [1e-3, 0]], 0),
        ([[0, 3], [1, 1], [1, 1], [3, 0]], 1),
        ([[5, 5]], 0),
        ([[4, 1, 7], [4, 1, 7]], 0),
        ([[0, 2, 9], [1, 1, 9], [2, 0.9, 9]], 1),
        # The ends of three objectives, and one that gives up little in each.
        ([[0, 1, 1], [1, 0, 1], [1, 1, 0], [0.5, 0.5, 0.5], [0.1, 0.9, 0.9]], 3),
    ],
)
def test_knees_known_by_hand(values, place):
    assert knee(np.array(values, float)) == place


@pytest.mark.parametrize("n_objectives", [2, 3, 5])
def test_the_knee_of_a_curve_is_where_its_slope_is_even(n_objectives, rng):
    """On the surface where roots add up to 1, all objectives are equal at the knee."""
    shares = rng.dirichlet(np.ones(n_objectives), 300)
    ends = np.eye(n_objectives)
    middle = np.full((1, n_objectives), 1 / n_objectives)
    values = np.concatenate([shares, ends, middle]) ** 2
    assert knee(values) == len(values) - 1


def test_a_plane_that_does_not_face_the_ideal_is_not_used():
    values = np.array([[0, 0.5, 0.2], [1, 0, 1], [0.1, 1, 0], [0.25, 0.2, 0.2], [0.6, 0.1, 0.1]])
    # The plane through the ends of the three objectives rises with the first one.
    normal = np.linalg.solve(values[:3], np.ones(3))
    assert normal[0] < 0
    assert (values @ normal).argmin() == 4
    assert knee(values) == 3


def test_nothing_has_no_knee():
    with pytest.raises(ValueError, match="no knee"):
        knee(np.zeros((0, 2)))
    assert preferred(np.zeros((0, 2))).tolist() == []
    assert trade_off(np.zeros((0, 3))).tolist() == []


# --- trade-off ------------------------------------------------------------------------------


def test_trade_offs_known_by_hand():
    """All are neighbours, there being few; the mean is over what gets worse, and better."""
    values = np.array([[0.0, 4.0], [1.0, 1.0], [4.0, 0.0]])
    assert trade_off(values) == pytest.approx([1.0, 3.0, 1.0])
    three = np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 0.5]])
    assert trade_off(three) == pytest.approx([1.0, 1.0])
    uneven = np.array([[0.0, 0.0, 1.0, 2.0], [2.0, 2.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0]])
    # From the first to the third: two lose half of their range, the last gains half.
    assert trade_off(uneven)[0] == pytest.approx(1.0)
    assert trade_off(np.array([[1.0, 2.0]])).tolist() == [0.0]


@pytest.mark.parametrize(("height", "neighbour"), [(1.5, False), (1.05, True)])
def test_only_neighbours_count(height, neighbour):
    """Beyond the end of a line it costs much to gain next to nothing."""
    x = np.linspace(0, 1, 41)
    line = np.stack([x, 1 - x], 1)
    values = np.concatenate([line, [[-1e-4, height]]])
    found = trade_off(values)[:40]
    slope = np.ptp(values, axis=0)[1] / np.ptp(values, axis=0)[0]
    near = np.hypot(1e-4 + x[:40], (height - line[:40, 1]) / slope) / np.ptp(values[:, 0]) <= RADIUS
    assert near.any() == neighbour
    assert found[~near] == pytest.approx(max(slope, 1 / slope))
    assert (found[near] > max(slope, 1 / slope)).all()


def test_in_a_thin_neighbourhood_the_nearest_count():
    values = np.array([[0, 1], [0.3, 0.7], [0.31, 0.1], [0.9, 0.09], [1, 0.0]])
    # All others are at hand, though none of them is within the radius.
    assert trade_off(values)[2] == pytest.approx(0.6 / 0.01)


def test_by_three_deviations_or_the_largest():
    x = np.linspace(0, 1, 40)
    line = np.stack([x, 1 - x], 1)
    bulge = line.copy()
    bulge[20] -= 0.01
    found = trade_off(bulge)
    chosen = preferred(bulge)
    assert chosen[0] == 20
    assert (found[chosen] > found.mean() + 3 * found.std()).all()
    assert (np.diff(found[chosen]) <= 0).all()
    few = np.array([[0.0, 4.0], [1.0, 1.0], [4.0, 0.0]])
    assert preferred(few).tolist() == [1]


@given(arrays(np.float64, (10, 3), elements=st.integers(0, 16)))
def test_among_ten_one_is_preferred_at_most(values):
    assert len(preferred(values)) == 1
    assert trade_off(values)[preferred(values)[0]] == trade_off(values).max()
