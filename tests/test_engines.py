"""The behaviour every search engine has."""

import json

import numpy as np
import pytest

from search.engine import engines
from spaces import get_space

SPACES = [get_space("ofa-mbv3", resolution=160), get_space("nasbench201")]

every_engine = pytest.mark.parametrize("name", list(engines))
every_space = pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)


def search(engine, rounds):
    """Minimise MACs and parameters; everything proposed, in order."""
    asked = []
    for _ in range(rounds):
        genes = engine.ask(8)
        values = np.stack([engine.space.macs(genes), engine.space.params(genes)], 1)
        engine.tell(genes, values.astype(float))
        asked.append(genes)
    return np.concatenate(asked)


@every_engine
@every_space
def test_same_seed_gives_the_same_search(name, space):
    first, again, other = (
        search(engines.get(name)(space, np.random.default_rng(seed)), 4) for seed in (3, 3, 4)
    )
    assert (first == again).all()
    assert (first != other).any()


@every_engine
@every_space
def test_a_resumed_search_goes_on_as_if_never_stopped(name, space):
    engine = engines.get(name)(space, np.random.default_rng(5))
    search(engine, 3)
    saved = json.loads(json.dumps(engine.state_dict()))
    expected = search(engine, 3)
    resumed = engines.get(name)(space, np.random.default_rng(99))
    resumed.load_state_dict(saved)
    assert (search(resumed, 3) == expected).all()


@every_engine
@every_space
def test_proposals_are_canonical_and_never_repeated(name, space):
    engine = engines.get(name)(space, np.random.default_rng(6))
    told = space.sample(5, np.random.default_rng(7))
    engine.tell(told, np.zeros((5, 1)))
    genes = search(engine, 10)
    assert (space.canonical(genes) == genes).all()
    assert len(np.unique(np.concatenate([genes, told]), axis=0)) == len(genes) + len(told)


@every_engine
def test_an_exhausted_space_gives_what_is_left(name):
    class TwoEdges(type(SPACES[1])):
        """The first 25 cells."""

        size = 25

        def sample(self, n, rng, strategy="uniform"):
            genes = super().sample(n, rng, strategy)
            genes[:, 2:] = 0
            return genes

    engine = engines.get(name)(TwoEdges(), np.random.default_rng(0))
    assert len(engine.ask(20)) == 20
    assert len(engine.ask(20)) == 5
    assert engine.ask(20).shape == (0, 6)
