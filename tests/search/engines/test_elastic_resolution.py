"""Engines and predictors where the input resolution is a gene."""

from dataclasses import replace

import numpy as np
import pytest

from search.archives.archive import Archive
from search.engines import engines, make_engine
from search.predictors import predictors
from search.problem import Limit, Objective, Problem
from search.runs.run import run
from spaces import get_space
from spaces.distinct import sample_distinct

SPACE = get_space("elastic-resolution", of={"space": "ofa-mbv3"}, resolutions=[128, 160, 192, 224])
COSTS, WORTH = np.random.default_rng(0).random((2, len(SPACE.vocabulary)))


def problem_for(name):
    """Two sums over blocks; the second is limited where the engine looks for the best within."""
    free = Problem(
        SPACE,
        (
            Objective("top1", "%", lambda g: SPACE.additive(g, WORTH), True, True),
            Objective("cost", "ms", lambda g: SPACE.additive(g, COSTS), additive=True, free=True),
        ),
    )
    within = replace(free, limits={"cost": Limit.of_budget(10.0)})
    return within if name in {"nas-mo", "ofa-ea"} else free


@pytest.mark.parametrize("name", list(engines))
def test_every_engine_searches_several_resolutions(name):
    problem = problem_for(name)
    engine = make_engine(name)
    engine.check(problem)
    archive = Archive(problem)
    run(engine.setup(problem, np.random.default_rng(0)), archive, 70)
    genes = archive.genes
    assert (SPACE.canonical(genes) == genes).all()
    assert len(set(genes[:, 0].tolist())) > 1


@pytest.mark.parametrize("name", list(predictors))
def test_every_predictor_learns_what_the_resolution_does(name, rng):
    genes = sample_distinct(SPACE, 160, rng, "biased")
    megas = SPACE.macs(genes) / 1e6
    learned = predictors.get(name)(SPACE, 0).fit(genes[:120], megas[:120])
    predicted = learned.predict(genes[120:])
    assert np.corrcoef(predicted, megas[120:])[0, 1] > 0.9
    # The same networks, but for their resolution.
    same = np.repeat(genes[:20], 2, 0)
    same[::2, 0], same[1::2, 0] = 0, 3
    low, high = learned.predict(same).reshape(-1, 2).T
    assert (low < high).mean() > 0.8
