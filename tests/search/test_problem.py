"""What a budget means, and the objectives of a trade-off."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from trade_offs import CELLS, cells

from luts import Bound, Speed
from luts.errors import BudgetImpossible
from nasprof.errors import UsageError
from search.problem import Limit, Objective, Problem

MACS = Objective("macs", "MACs", lambda genes: CELLS.macs(genes).astype(float))


def trending(least=1.0):
    """A bound that small networks exceed by more than large ones."""
    return Bound(1.2, "answers", 1.1, 0.9, 10.0, least)


@given(budget=st.floats(0.1, 1000))
def test_no_upper_bound_of_an_allowed_prediction_exceeds_the_budget(budget):
    bound = trending()
    limit = Limit.of_budget(budget, bound)
    assert limit.budget == budget
    assert bound.upper(limit.on_prediction) <= budget * (1 + 1e-12)
    assert limit.factor == pytest.approx(budget / limit.on_prediction)
    kept = Limit.of_prediction(limit.on_prediction, bound)
    assert kept.on_prediction == limit.on_prediction
    assert kept.budget == pytest.approx(budget)


def test_without_a_bound_predictions_themselves_are_limited():
    assert Limit.of_budget(7.5) == Limit.of_prediction(7.5) == Limit(7.5, 7.5)


def test_budgets_of_a_problem_are_met_by_its_bounds():
    objective = Objective("latency", "ms", MACS.function, bound=trending())
    problem = Problem(CELLS, (MACS, objective)).within({"latency": 12.0})
    assert problem.prediction_limits == {"latency": trending().limit(12.0)}
    assert problem.worst.tolist() == [np.inf, trending().limit(12.0)]
    assert problem.within({}).worst.tolist() == [np.inf, np.inf]


@pytest.mark.parametrize(
    ("maximise", "budget", "said"),
    [(False, 1.0, "under 1 ms of 'x': the least is 2.4"), (True, 9.0, "at least 9 ms of 'x'")],
)
def test_budgets_that_nothing_meets_are_refused(maximise, budget, said):
    bound = Bound(1.2, "conformal") if not maximise else Bound(1.0, "none")
    objective = Objective(
        "x",
        "ms",
        MACS.function,
        maximise=maximise,
        extremes=partial(tuple, (2.0, 5.0)),
        bound=bound,
    )
    with pytest.raises(BudgetImpossible, match=said):
        Problem(CELLS, (objective,)).within({"x": budget})


def test_a_trade_off_limits_latency_as_its_bound_says():
    trade_off = cells()
    low, high = trade_off.budget_range(0.95)
    limit = trade_off.limit(high, 0.95)
    assert limit.on_prediction == pytest.approx(trade_off.extremes.max_ms)
    assert low == pytest.approx(trade_off.bound(0.95).upper(trade_off.extremes.min_ms))
    assert trade_off.problem(high, 0.95).limits == {"latency": limit}
    slow = Speed(2.0, 2.0, 2.0)
    assert trade_off.limit(2 * high, 0.95, slow).on_prediction == pytest.approx(limit.on_prediction)
    for wrong in (0.0, -1.0, np.inf, np.nan):
        with pytest.raises(UsageError, match="expected a time above 0"):
            trade_off.limit(wrong)


def test_whoever_watches_is_told_of_every_accuracy(rng):
    told = []
    watched = cells().watched(told.append)
    genes = CELLS.sample(5, rng)
    problem = watched.problem()
    assert (problem.values(genes) == cells().problem().values(genes)).all()
    assert [each.tolist() for each in told] == [genes.tolist()]
    assert watched == cells()
