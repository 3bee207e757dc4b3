"""Answering budgets with a generator."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tables import audited_table, made_up_table
from trade_offs import (
    CELLS,
    HARDLY,
    MOBILE,
    MODELS,
    budgets_of,
    cells,
    generator_for,
    learned,
    made_up_accuracy,
    mobile,
)

from luts import TABLE_SPEED, Measured, Speed
from nasprof.errors import UsageError
from search.generators.answers import AnswerSettings, answer
from search.generators.fingerprint import fingerprint
from search.generators.polish import count_neighbours, improve
from search.generators.population import Population
from search.objectives.trade_off import TradeOff
from search.pnag.settings import TrainingSettings
from search.pnag.training import train

FEW = settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])

every_model = pytest.mark.parametrize("name", list(MODELS))


def asked(generator, trade_off, budgets_ms, seed=0, speed=TABLE_SPEED, **settings):
    rng = np.random.default_rng(seed)
    return answer(generator, trade_off, budgets_ms, rng, AnswerSettings(**settings), speed)


# --- polish -----------------------------------------------------------------------------------


def single_exchanges(space, genes):
    """Every architecture that differs in one gene before inactive ones are cleared."""
    for gene, count in enumerate(space.n_choices.tolist()):
        for choice in set(range(count)) - {int(genes[gene])}:
            other = genes.copy()
            other[gene] = choice
            yield space.canonical(other[None])[0]


@every_model
def test_polish_never_worsens_and_keeps_within_the_limit(name, rng):
    trade_off = MODELS[name]()
    start = Population.evaluated(trade_off, trade_off.space.sample(12, rng, "biased"))
    # Some have no room at all, not even for a rounding error.
    limits_ms = start.latency_ms * np.resize([1.0, 1.02, 1.5], 12)
    found = improve(trade_off, start, limits_ms)
    assert (found.top1 >= start.top1).all()
    assert (found.top1 > start.top1).any()
    assert (found.latency_ms <= limits_ms).all()
    assert np.array_equal(trade_off.space.canonical(found.genes), found.genes)
    again = Population.evaluated(trade_off, found.genes)
    assert found.top1 == pytest.approx(again.top1, rel=1e-12)
    assert found.latency_ms == pytest.approx(again.latency_ms, rel=1e-12)


@pytest.mark.parametrize("name", ["cells", "learned"])
def test_no_exchange_improves_what_is_polished(name, rng):
    trade_off = MODELS[name]()
    start = Population.evaluated(trade_off, CELLS.sample(20, rng, "biased"))
    limits_ms = start.latency_ms * rng.uniform(1, 1.3, 20)
    found = improve(trade_off, start, limits_ms)
    for genes, top1, limit_ms in zip(found.genes, found.top1, limits_ms, strict=True):
        near = np.array(list(single_exchanges(CELLS, genes)))
        within = trade_off.latency_ms(near) <= limit_ms
        assert not (trade_off.top1(near)[within] > top1 + 1e-9).any()


def test_polish_exchanges_two_genes_where_one_is_not_enough():
    """At the limit exactly, one gene can become dearer only as another becomes cheaper."""
    trade_off = mobile()
    start = Population.evaluated(trade_off, MOBILE.sample(10, np.random.default_rng(2), "biased"))
    found = improve(trade_off, start, start.latency_ms, rounds=1)
    better = np.flatnonzero(found.top1 > start.top1)
    paired = 0
    for genes, after in zip(start.genes[better], found.genes[better], strict=True):
        near = {each.tobytes() for each in single_exchanges(MOBILE, genes)}
        paired += after.tobytes() not in near
    assert paired > 0


def test_nothing_to_polish_and_no_rounds():
    nothing = Population.evaluated(cells(), np.zeros((0, CELLS.n_genes), np.int8))
    assert len(improve(cells(), nothing, np.zeros(0))) == 0
    start = Population.evaluated(cells(), CELLS.sample(3, np.random.default_rng(0)))
    assert improve(cells(), start, start.latency_ms * 2, rounds=0) is start


@every_model
def test_a_round_evaluates_no_more_than_it_is_said_to(name, rng):
    trade_off, seen = MODELS[name](), []
    start = Population.evaluated(trade_off, trade_off.space.sample(5, rng))
    improve(trade_off.watched(seen.append), start, start.latency_ms * 1.1, rounds=1)
    assert sum(map(len, seen)) == 5 * count_neighbours(trade_off.space)


# --- answers ----------------------------------------------------------------------------------


def check(answers, trade_off, budget_ms, slack):
    """What holds for every answer to a budget that can be met."""
    genes = np.array([each.genes for each in answers])
    assert np.array_equal(trade_off.space.canonical(genes), genes)
    assert len(np.unique(genes, axis=0)) == len(genes) <= 32
    top1 = [each.top1 for each in answers]
    assert top1 == sorted(top1, reverse=True)
    assert top1 == pytest.approx(trade_off.top1(genes).tolist(), rel=1e-12)
    latency_ms = [each.latency_ms for each in answers]
    assert latency_ms == pytest.approx(trade_off.latency_ms(genes).tolist(), rel=1e-12)
    for each in answers:
        assert each.upper_ms == each.latency_ms * slack
        assert each.upper_ms <= budget_ms * (1 + 1e-12)


@every_model
@pytest.mark.parametrize("confidence", [0.9, 0.99, None])
@pytest.mark.parametrize("polish", [True, False])
def test_every_answer_keeps_within_its_budget(name, confidence, polish):
    trade_off = MODELS[name]()
    slack = trade_off.bound(confidence).factor
    ends = trade_off.extremes
    budgets_ms = [slack * each for each in np.linspace(ends.min_ms * 1.02, ends.max_ms * 1.1, 6)]
    found = asked(
        generator_for(name), trade_off, budgets_ms, confidence=confidence, polish=polish, samples=64
    )
    assert len(found) == 6
    for budget_ms, answers in zip(budgets_ms, found, strict=True):
        assert answers
        check(answers, trade_off, budget_ms, slack)
        assert all((each.std is None) == (name != "mobile") for each in answers)
    best = [answers[0].top1 for answers in found]
    assert best[0] < best[-1]


@FEW
@given(share=st.floats(0, 1.2), seed=st.integers(0, 99), samples=st.sampled_from([1, 10, 40]))
def test_any_budget_in_the_range_is_answered(share, seed, samples):
    (budget_ms,) = budgets_of(cells(), share)
    (answers,) = asked(generator_for("cells"), cells(), [budget_ms], seed, samples=samples)
    check(answers, cells(), budget_ms, cells().bound(0.95).factor)


@FEW
@given(
    share=st.floats(0.01, 1.2),
    factor=st.floats(0.5, 2.0),
    reach=st.floats(0, 0.2),
    spread=st.floats(0.0, 0.05),
)
def test_predictions_and_bounds_are_within_the_budget_at_any_speed(share, factor, reach, spread):
    """Also where answers were off by more than random networks, and small ones the most."""
    table = cells().cost
    space = table.spaces[0]
    rng = np.random.default_rng(0)
    genes = space.sample(25, rng, "biased")
    took = table.latency_ms(genes) * (1.02 + spread * rng.random(25)) + 0.01
    chosen = [
        Measured(arch, "answer", {"wall": float(ms)}, rank=1)
        for arch, ms in zip(space.decode(genes), took, strict=True)
    ]
    learnt = replace(table, networks=(*table.networks, *chosen))
    trade_off = replace(cells(), cost=learnt)
    speed = Speed(factor, factor * (1 - reach), factor * (1 + reach), "today")
    ends, bound = trade_off.extremes, trade_off.bound(0.95)
    assert bound.method.startswith("answers")
    today = bound.at_speed(speed)
    budget_ms = today.upper(ends.min_ms + share * (ends.max_ms - ends.min_ms))
    (answers,) = asked(generator_for("cells"), trade_off, [budget_ms], samples=10, speed=speed)
    for each in answers:
        assert each.latency_ms <= each.upper_ms <= budget_ms * (1 + 1e-9)
        predicted = learnt.latency_ms(each.genes[None])[0]
        assert each.latency_ms == pytest.approx(factor * predicted)
        assert each.upper_ms == pytest.approx(today.upper(predicted))


@every_model
def test_a_budget_that_nothing_meets_is_answered_with_the_fastest(name):
    trade_off = MODELS[name]()
    low = 0.9 * trade_off.bound(0.95).factor * trade_off.extremes.min_ms
    (first,), (second,) = asked(generator_for(name), trade_off, [low, 1e-9], samples=20)
    assert np.array_equal(first.genes, second.genes)
    assert first.latency_ms <= trade_off.extremes.min_ms * (1 + 1e-12)
    assert first.upper_ms > low


@every_model
def test_a_budget_beyond_the_slowest_leaves_slack(name):
    trade_off = MODELS[name]()
    (answers,) = asked(generator_for(name), trade_off, [1e6], samples=20)
    assert answers[0].upper_ms < 1e6
    near = np.array(list(single_exchanges(trade_off.space, answers[0].genes)))
    if name == "cells":
        assert answers[0].top1 >= trade_off.top1(near).max()
    assert answers[0].top1 >= trade_off.top1(generator_for(name).elites).max()


@every_model
def test_the_same_seed_gives_the_same_answers(name):
    trade_off = MODELS[name]()
    budgets_ms = budgets_of(trade_off, 0.3, 0.7)
    options = {"samples": 30, "polish": False}
    first, again, other = (
        asked(generator_for(name), trade_off, budgets_ms, seed, **options) for seed in (1, 1, 2)
    )
    genes = [[each.genes.tolist() for each in row] for row in first]
    assert genes == [[each.genes.tolist() for each in row] for row in again]
    assert genes != [[each.genes.tolist() for each in row] for row in other]


@every_model
def test_polish_makes_answers_no_worse(name):
    trade_off = MODELS[name]()
    budgets_ms = budgets_of(trade_off, 0.05, 0.2, 0.5, 0.8)
    raw, polished = (
        asked(generator_for(name), trade_off, budgets_ms, samples=30, polish=polish)
        for polish in (False, True)
    )
    gains = [after[0].top1 - before[0].top1 for before, after in zip(raw, polished, strict=True)]
    assert min(gains) >= 0
    assert max(gains) > 0
    none = asked(generator_for(name), trade_off, budgets_ms, samples=30, rounds=0)
    assert [row[0].top1 for row in none] == [row[0].top1 for row in raw]


def test_no_more_are_kept_than_wanted_and_those_are_the_best():
    budgets_ms = budgets_of(mobile(), 0.4)
    (many,) = asked(generator_for("mobile"), mobile(), budgets_ms, keep=32)
    (few,) = asked(generator_for("mobile"), mobile(), budgets_ms, keep=3)
    assert len(many) == 32
    assert len(few) == 3
    assert few[0].top1 == many[0].top1


def test_what_training_has_kept_is_answered_again():
    """Without luck in sampling there are still the best of the training."""
    trade_off, generator = mobile(), generator_for("mobile")
    budgets_ms = budgets_of(trade_off, 0.1, 0.5)
    found = asked(generator, trade_off, budgets_ms, samples=1, polish=False)
    for budget_ms, answers in zip(budgets_ms, found, strict=True):
        within = trade_off.cost.upper_bound_ms(generator.elites) <= budget_ms
        assert answers[0].top1 >= trade_off.top1(generator.elites[within]).max() - 1e-9


@pytest.mark.parametrize("budget_ms", [0, -5, float("nan"), float("inf"), -float("inf")])
def test_what_is_no_time_is_refused(budget_ms):
    with pytest.raises(UsageError, match="expected a time above 0"):
        asked(generator_for("cells"), cells(), [budget_ms])


def test_no_budgets_have_no_answers():
    assert asked(generator_for("cells"), cells(), []) == []


# --- calibration ------------------------------------------------------------------------------


def recalibrated(trade_off, slope, intercept_ms):
    """The same with a table whose networks were measured anew, on a slower device."""
    networks = [
        replace(each, latency_ms={"wall": slope * each.latency_ms["wall"] + intercept_ms})
        for each in trade_off.cost.networks
    ]
    return replace(trade_off, cost=replace(trade_off.cost, networks=tuple(networks)))


@pytest.mark.parametrize(("slope", "intercept_ms"), [(1.4, 0.0), (0.8, 0.1), (1.05, -0.05)])
@pytest.mark.parametrize("name", ["cells", "mobile"])
def test_a_generator_outlives_calibrations(name, slope, intercept_ms):
    trade_off, generator = MODELS[name](), generator_for(name)
    moved = recalibrated(trade_off, slope, intercept_ms)
    assert moved.extremes.max_ms != pytest.approx(trade_off.extremes.max_ms, rel=0.01)
    assert generator.trained_for(moved)
    again = generator.calibrated(moved)
    assert again.scale.knots_ms[[0, -1]] == pytest.approx(
        [moved.extremes.min_ms, moved.extremes.max_ms]
    )
    places = np.linspace(0, 1, 50)
    before, after = (
        each.extremes.min_ms + places * (each.extremes.max_ms - each.extremes.min_ms)
        for each in (trade_off, moved)
    )
    assert again.scale.weights(after) == pytest.approx(generator.scale.weights(before), abs=1e-5)
    drawn = (
        one.sample(budgets_ms, np.random.default_rng(0))
        for one, budgets_ms in ((generator, before), (again, after))
    )
    assert np.equal(*drawn).all(1).mean() > 0.95
    budgets_ms = budgets_of(moved, 0.1, 0.6)
    found = asked(generator, moved, budgets_ms, samples=40)
    for budget_ms, answers in zip(budgets_ms, found, strict=True):
        check(answers, moved, budget_ms, moved.bound(0.95).factor)


@pytest.mark.parametrize("name", ["cells", "mobile"])
def test_answers_follow_the_calibration(name):
    """On a device three times as slow, three times the budget has the same answers."""
    trade_off, generator = MODELS[name](), generator_for(name)
    moved = recalibrated(trade_off, 3.0, 0.0)
    found = []
    for each in (trade_off, moved):
        ends = each.extremes
        budgets_ms = [ends.min_ms + share * (ends.max_ms - ends.min_ms) for share in (0.23, 0.57)]
        answers = asked(generator, each, budgets_ms, confidence=None, polish=False, samples=30)
        found.append([one.genes.tolist() for row in answers for one in row])
    assert found[0] == found[1]


def test_one_knot_needs_no_calibration():
    generator = train(cells(), TrainingSettings(**{**HARDLY, "knots": 1, "steps": 1}))
    assert generator.calibrated(recalibrated(cells(), 2, 0)) is generator


def test_other_models_are_told_from_those_of_the_training():
    own = fingerprint(cells())
    assert own == fingerprint(TradeOff.of(made_up_accuracy(CELLS), audited_table(CELLS)))
    assert own == fingerprint(TradeOff.of(made_up_accuracy(CELLS, "renamed"), cells().cost))
    others = [
        TradeOff.of(made_up_accuracy(CELLS, seed=1), cells().cost),
        TradeOff.of(cells().accuracy, made_up_table(CELLS, seed=1)),
        TradeOff.of(cells().accuracy, cells().cost.on_clock("cpu")),
        learned(),
    ]
    # All times are shorter by the same share on the other clock: the same order, the same front.
    assert [generator_for("cells").trained_for(each) for each in others] == [
        False,
        False,
        True,
        False,
    ]
