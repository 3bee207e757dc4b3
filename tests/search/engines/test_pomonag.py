"""What the engine of diffusion does beside what every engine does."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from problems import SMALL, engine_for, made_up

from nasprof.errors import NasprofError
from search.engines.base.surrogate import Surrogates
from search.engines.pomonag import PomonagSettings, Proposals
from search.problem import Limit, Objective
from spaces import get_space

pytestmark = pytest.mark.no_cover

CELLS = get_space("nasbench201")
PREDICTORS = {"top1": "ridge", "macs": "ridge"}
SETTINGS = PomonagSettings.of(SMALL["pomonag"]).of_diffusion()


def with_params(problem, function):
    return replace(
        problem, objectives=(*problem.objectives, Objective("params", "", function, free=True))
    )


def proposed(problem, n=40):
    predict = Surrogates(problem, PREDICTORS)
    genes = CELLS.sample(n, np.random.default_rng(1), "uniform")
    assert predict.fit(genes, problem.values(genes))
    proposals = Proposals(problem, SETTINGS, np.random.default_rng(0))
    near = CELLS.sample(9, np.random.default_rng(2), "uniform")
    return genes, predict, [proposals(predict, genes, near) for _ in range(2)]


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 2, 0)])
def test_predictions_are_in_the_order_of_the_objectives_wherever_accuracy_stands(order):
    every = with_params(made_up(CELLS), lambda genes: CELLS.params(genes) * 1.0).objectives
    problem = replace(made_up(CELLS), objectives=tuple(every[column] for column in order))
    evaluated, predict, rounds = proposed(problem)
    held = {row.tobytes() for row in evaluated}
    for genes, predicted in rounds:
        assert len(genes) > 100
        assert not held & {row.tobytes() for row in genes}
        np.testing.assert_allclose(predicted, predict(genes))
    assert len(rounds[1][0]) > len(rounds[0][0])


def test_what_is_the_same_everywhere_or_no_number_misleads_nobody():
    problem = with_params(made_up(CELLS), lambda genes: np.full(len(genes), 7.0))
    free = Objective("odd", "", lambda g: np.where(g[:, 0] > 2, np.inf, g[:, 1]), free=True)
    problem = replace(problem, objectives=(*problem.objectives, free))
    _, _, rounds = proposed(problem)
    assert all(np.isfinite(predicted).all() for _, predicted in rounds)
    engine = engine_for("pomonag", problem, predictor=PREDICTORS, mutants=0, process="masked")
    for _ in range(5):
        genes = engine.ask(16)
        assert len(genes)
        engine.tell(genes, problem.values(genes))


def test_no_more_is_asked_for_than_limits_allow():
    problem = made_up(CELLS)
    low, high = np.quantile(
        problem.values(CELLS.sample(400, np.random.default_rng(0)))[:, 1], [0, 1]
    )
    means = []
    for worst in (low + 0.1 * (high - low), high):
        limited = replace(problem, limits={"macs": Limit.of_budget(float(worst))})
        proposals = Proposals(limited, SETTINGS, np.random.default_rng(0))
        predict = Surrogates(limited, "ridge")
        genes = CELLS.sample(60, np.random.default_rng(1), "uniform")
        predict.fit(genes, limited.values(genes))
        proposals(predict, genes, genes)
        condition = proposals.condition(proposals.training.model)
        share = proposals.training.pool.scale.shares(np.array([[worst]]))[0, 0]
        assert condition.cost.max() <= share
        means.append(condition.cost.mean())
    assert means[0] < means[1]


def test_without_torch_the_reason_is_said(monkeypatch):
    problem = made_up(CELLS)
    engine = engine_for("pomonag", problem)
    genes = engine.ask(20)
    engine.tell(genes, problem.values(genes))
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(NasprofError, match="needs torch") as refused:
        engine.ask(1)
    assert "nasprof[torch]" in refused.value.remedy
