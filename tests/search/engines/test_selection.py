"""What engines with a population are made of, against definitions and against pymoo."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from search.engines.base.directions import reference_directions
from search.engines.base.population import (
    crowding,
    first_population,
    fronts,
    spread_survivors,
    survivors,
)
from search.engines.base.selection import added_hypervolume, most_promising
from search.quality.indicators import hypervolume, non_dominated
from spaces import get_space
from spaces.neighbours import perturbed

CELLS = get_space("nasbench201")
FREE = np.full(2, np.inf)

small = arrays(
    np.float64,
    st.tuples(st.integers(1, 25), st.just(2)),
    elements=st.integers(0, 8).map(float),
)


# --- populations ----------------------------------------------------------------------------


@given(n=st.integers(1, 60), given_first=st.integers(0, 70), seed=st.integers(0, 99))
def test_first_populations_are_distinct_and_begin_with_what_is_given(n, given_first, seed):
    rng = np.random.default_rng(seed)
    first = CELLS.sample(given_first, rng)
    found = first_population(CELLS, rng, n, first)
    assert len(found) == n == len(np.unique(found, axis=0))
    _, places = np.unique(first, axis=0, return_index=True)
    kept = first[np.sort(places)][:n]
    assert np.array_equal(found[: len(kept)], kept)


@given(small)
def test_fronts_are_peeled_off_one_after_the_other(values):
    left = np.arange(len(values))
    for front in fronts(values, FREE):
        own = values[left]
        worse = (own[:, None] >= own[None]).all(2) & (own[:, None] > own[None]).any(2)
        assert set(front.tolist()) == set(left[~worse.any(1)].tolist())
        left = np.setdiff1d(left, front)
    assert len(left) == 0


def test_beyond_the_limits_the_nearest_come_first_and_the_unknown_last():
    values = np.array([[3.0, 9.0], [1.0, 30.0], [np.inf, np.inf], [0.0, 12.0], [4.0, 9.0]])
    found = fronts(values, np.array([np.inf, 10.0]))
    assert [each.tolist() for each in found] == [[0], [4], [3], [1], [2]]
    assert survivors(values, np.array([np.inf, 10.0]), 3).tolist() == [0, 4, 3]


def test_crowding_agrees_with_pymoo(rng):
    from pymoo.operators.survival.rank_and_crowding.metrics import calc_crowding_distance

    values = rng.random((40, 3))
    own, theirs = crowding(values), calc_crowding_distance(values)
    ends = np.isinf(theirs)
    assert np.array_equal(np.isinf(own), ends)
    assert np.argsort(own[~ends]).tolist() == np.argsort(theirs[~ends]).tolist()


def test_survivors_agree_with_pymoo(rng):
    from pymoo.core.population import Population
    from pymoo.core.problem import Problem
    from pymoo.operators.survival.rank_and_crowding import RankAndCrowding

    values = rng.random((80, 2))
    pool = Population.new(F=values, place=np.arange(80))
    survival = RankAndCrowding()
    theirs = survival.do(Problem(n_var=1, n_obj=2), pool, n_survive=30, random_state=rng)
    assert set(survivors(values, FREE, 30)) == set(theirs.get("place").astype(int))


@given(values=small, n=st.integers(1, 12), seed=st.integers(0, 9))
def test_spread_survivors_are_of_the_best_fronts(values, n, seed):
    kept = spread_survivors(values, FREE, n, np.random.default_rng(seed))
    assert len(kept) == len(set(kept.tolist())) == min(n, len(values))
    rank = np.empty(len(values), int)
    for number, front in enumerate(fronts(values, FREE)):
        rank[front] = number
    assert np.sort(rank[kept]).tolist() == np.sort(rank)[: len(kept)].tolist()


@pytest.mark.parametrize("n_objectives", [1, 2, 3, 5, 8, 12, 15])
@pytest.mark.parametrize("most", [20, 100])
def test_reference_directions_are_on_the_simplex_and_no_more_than_asked_for(n_objectives, most):
    found = reference_directions(n_objectives, most)
    assert found.shape[1] == n_objectives
    assert n_objectives <= len(found) <= max(most, n_objectives)
    assert np.allclose(found.sum(1), 1)
    assert found.min() >= 0
    assert len(np.unique(found.round(12), axis=0)) == len(found)


@given(kick=st.integers(0, 9), seed=st.integers(0, 99))
def test_a_kick_changes_no_more_genes_than_it_says(kick, seed):
    rng = np.random.default_rng(seed)
    genes = CELLS.sample(1, rng)[0]
    assert (perturbed(CELLS, genes, kick, rng) != genes).sum() <= kick


# --- what to evaluate next ------------------------------------------------------------------


@given(small, small)
def test_added_hypervolume_is_the_difference_it_makes(points, known):
    front = known[non_dominated(known)]
    corner = 7.0
    before = hypervolume(front, np.full(2, corner))
    expected = [
        hypervolume(np.concatenate([front, point[None]]), np.full(2, corner)) - before
        for point in points
    ]
    assert added_hypervolume(points, front, corner) == pytest.approx(np.array(expected))


@given(predicted=small, values=small, n=st.integers(1, 10))
def test_what_is_chosen_is_new_to_the_front_and_each_once(predicted, values, n):
    chosen = most_promising(predicted, values, FREE, n)
    assert len(chosen) == len(set(chosen.tolist())) <= n
    for place in chosen:
        assert not (values <= predicted[place]).all(1).any()


def test_the_first_choice_adds_most_and_the_second_most_beside_it():
    values = np.array([[0.0, 10.0], [10.0, 0.0]])
    predicted = np.array([[5.0, 5.0], [4.9, 5.2], [9.0, 1.0], [11.0, 11.0], [1.0, 9.0]])
    chosen = most_promising(predicted, values, FREE, 5).tolist()
    assert chosen[0] == 0
    assert set(chosen[1:3]) == {2, 4}
    assert 3 not in chosen


def test_more_objectives_are_chosen_far_apart_and_one_by_its_value(rng):
    values = np.eye(3)
    predicted = np.array([[0.3, 0.3, 0.3], [0.31, 0.3, 0.29], [0.9, 0.05, 0.05], [2.0, 2.0, 2.0]])
    chosen = most_promising(predicted, values, np.full(3, np.inf), 2).tolist()
    assert len({0, 1} & set(chosen)) == 1
    assert 3 not in most_promising(predicted, values, np.full(3, np.inf), 4)
    single = most_promising(np.array([[3.0], [1.0], [2.0]]), np.array([[2.5]]), FREE[:1], 3)
    assert single.tolist() == [1, 2]


def test_beyond_all_limits_the_nearest_is_chosen():
    worst = np.array([np.inf, 1.0])
    predicted = np.array([[0.0, 5.0], [0.0, 2.0], [0.0, 9.0]])
    assert most_promising(predicted, np.array([[1.0, 4.0]]), worst, 2).tolist() == [1, 0]
