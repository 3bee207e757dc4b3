"""The behaviour every search engine has."""

import json
import time

import numpy as np
import pytest

from nasprof.errors import UsageError
from search.engine import engines
from search.problem import Objective, Problem
from search.runs.ranking import best, violation
from spaces import Space, get_space

SPACES = [get_space("ofa-mbv3", resolution=160), get_space("nasbench201")]

every_engine = pytest.mark.parametrize("name", list(engines))
limited_engine = pytest.mark.parametrize(
    "name", [name for name in engines if engines.get(name).needs_limit]
)
every_space = pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)


class TwoEdges(type(SPACES[1])):
    """The 25 cells of which only the first two edges do anything."""

    size = 25
    additive = Space.additive

    def active(self, genes):
        return np.broadcast_to(np.arange(6) < 2, genes.shape)

    @property
    def parts(self):
        pairs = np.indices((5, 5)).reshape(2, -1).T.astype(np.int8)
        return ((slice(0, 2), pairs),)


def made_up(space, share=None, seed=0):
    """Random additive accuracy against MACs, which may be limited to a share of their range."""
    worth = np.sort(np.random.default_rng(seed).random(len(space.vocabulary)))
    objectives = (
        Objective(
            "top1", "%", lambda g: 60 + space.additive(g, worth), maximise=True, additive=True
        ),
        Objective("macs", "M", lambda g: space.macs(g) / 1e6, additive=True),
    )
    if share is None:
        return Problem(space, objectives)
    macs = space.macs(
        np.concatenate([part_ends(space), space.sample(500, np.random.default_rng(1))])
    )
    low, high = macs.min() / 1e6, macs.max() / 1e6
    return Problem(space, objectives, {"macs": low + share * (high - low)})


def part_ends(space):
    return space.canonical(np.stack([np.zeros(space.n_genes, np.int8), space.n_choices - 1]))


def suited(name, space):
    """A problem that the engine is made for."""
    return made_up(space, 0.4 if engines.get(name).needs_limit else None)


def create(name, space, seed=0):
    return engines.get(name).create(suited(name, space), np.random.default_rng(seed))


def search(engine, problem, rounds, n=8):
    """Everything proposed, in order."""
    asked = []
    for _ in range(rounds):
        genes = engine.ask(n)
        assert len(genes) <= n
        engine.tell(genes, problem.values(genes))
        asked.append(genes)
    return np.concatenate(asked)


@every_engine
@every_space
def test_same_seed_gives_the_same_search(name, space):
    problem = suited(name, space)
    first, again, other = (search(create(name, space, seed), problem, 60, 20) for seed in (3, 3, 4))
    assert len(first) > 0
    assert np.array_equal(first, again)
    assert name == "exact" or not np.array_equal(first, other)


@every_engine
@every_space
def test_a_resumed_search_goes_on_as_if_never_stopped(name, space):
    problem = suited(name, space)
    engine = create(name, space, 5)
    search(engine, problem, 25)
    saved = json.loads(json.dumps(engine.state_dict(), allow_nan=False))
    expected = search(engine, problem, 25)
    resumed = create(name, space, 99)
    resumed.load_state_dict(saved)
    assert (search(resumed, problem, 25) == expected).all()
    assert json.dumps(resumed.state_dict()) == json.dumps(engine.state_dict())


@every_engine
def test_what_was_asked_but_not_told_is_remembered(name):
    space = SPACES[0]
    problem = suited(name, space)
    engine = create(name, space, 5)
    search(engine, problem, 25)
    asked = engine.ask(3)
    resumed = create(name, space, 99)
    resumed.load_state_dict(json.loads(json.dumps(engine.state_dict())))
    for each in (engine, resumed):
        each.tell(asked, problem.values(asked))
    assert (search(engine, problem, 5) == search(resumed, problem, 5)).all()


@every_engine
@every_space
def test_proposals_are_canonical_and_never_repeated(name, space):
    engine, problem = create(name, space, 6), suited(name, space)
    told = space.sample(5, np.random.default_rng(7))
    engine.tell(told, problem.values(told))
    genes = search(engine, problem, 40, 16)
    assert (space.canonical(genes) == genes).all()
    assert len(np.unique(np.concatenate([genes, told]), axis=0)) == len(genes) + len(told)


@every_engine
def test_how_many_are_asked_at_a_time_changes_nothing_but_random_draws(name):
    if name == "random":
        pytest.skip("draws more at a time when asked for more")
    problem = suited(name, SPACES[0])
    few, many = (search(create(name, SPACES[0]), problem, 400 // n, n) for n in (4, 50))
    both = min(len(few), len(many))
    assert both > 0
    assert (few[:both] == many[:both]).all()


@every_engine
def test_an_exhausted_space_gives_what_is_left_and_then_nothing(name):
    problem = suited(name, TwoEdges())
    engine = create(name, TwoEdges())
    genes = search(engine, problem, 60)
    assert len(genes) == len(np.unique(genes, axis=0)) <= 25
    assert engine.ask(20).shape == (0, 6)
    if name in ("random", "nas-mo", "nsga2"):
        assert len(genes) == 25


@every_engine
def test_an_impossible_limit_is_answered_at_once(name):
    problem = made_up(SPACES[0], -0.1)
    began = time.process_time()
    engine = engines.get(name).create(problem, np.random.default_rng(0))
    genes = search(engine, problem, 10)
    assert time.process_time() - began < 2
    assert best(problem.values(genes), problem.worst) is None


@every_engine
def test_limits_are_met_by_the_best(name):
    problem = made_up(SPACES[0], 0.5)
    engine = engines.get(name).create(problem, np.random.default_rng(0))
    genes = search(engine, problem, 60, 20)
    values = problem.values(genes)
    place = best(values, problem.worst)
    assert violation(values, problem.worst)[place] == 0
    feasible = values[values[:, 1] <= problem.worst[1]]
    assert values[place, 0] == feasible[:, 0].min()


@limited_engine
def test_engines_with_a_limit_beat_random_search(name):
    problem = made_up(SPACES[0], 0.3)
    found = {}
    for each in (name, "random", "exact"):
        engine = engines.get(each).create(problem, np.random.default_rng(1))
        values = problem.values(search(engine, problem, 40, 50))
        found[each] = values[best(values, problem.worst), 0]
    assert found["exact"] <= found[name] < found["random"]


@limited_engine
def test_engines_for_a_limit_refuse_a_problem_without(name):
    with pytest.raises(UsageError, match="no") as refused:
        engines.get(name).create(made_up(SPACES[0]), np.random.default_rng(0))
    assert "exact, nsga2, random" in refused.value.remedy


@every_engine
@pytest.mark.parametrize("failure", [np.nan, np.inf])
def test_what_failed_never_wins(name, failure):
    """The best architectures cannot be evaluated: the search goes on and finds others."""
    problem = suited(name, SPACES[0])
    engine = create(name, SPACES[0])
    genes = []
    for _ in range(60):
        asked = engine.ask(20)
        values = problem.values(asked)
        values[asked[:, 0] > 1] = failure
        engine.tell(asked, values)
        genes.append(asked)
    genes = np.concatenate(genes)
    values = problem.values(genes)
    values[genes[:, 0] > 1] = failure
    place = best(values, problem.worst)
    assert np.isfinite(values[place]).all()
    json.dumps(engine.state_dict(), allow_nan=False)
