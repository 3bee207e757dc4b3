"""Bounds for networks that a search has chosen, from those that were measured before."""

import copy
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tables import TINY, made_up_table

from luts import NO_BOUND, Bound, LookupTable, Speed, read_cost_model
from luts.answers import FEWEST, STEP, WINDOW, adapted_level, answer_bound
from luts.audit import Measured, networks_from_dict
from luts.errors import CostModelInvalid
from nasprof.errors import UsageError
from search.engines.exact import exact_front
from search.problem import Objective, Problem
from spaces import get_space

SPACE = get_space("ofa-mbv3", **TINY)
PLAIN = Bound(1.01, "conformal")
answers = st.lists(st.tuples(st.floats(1, 100), st.floats(0.5, 2.0)), max_size=50).map(
    lambda pairs: np.array(pairs).reshape(-1, 2).T
)
levels = st.sampled_from([0.8, 0.9, 0.95, 0.99])


def bound_of(told, ratios, confidence=0.95, floor=PLAIN):
    told = np.broadcast_to(np.asarray(told, np.float64), np.shape(ratios))
    return answer_bound(told, told * ratios, confidence, floor)


# --- bounds --------------------------------------------------------------------------------------


@settings(max_examples=100)
@given(answers, levels, st.floats(0.1, 1000), st.floats(0.1, 1000))
def test_predictions_are_within_budgets_and_bounds_above_predictions(
    answers, confidence, budget, prediction
):
    told, ratios = answers
    bound = answer_bound(told, told * ratios, confidence, PLAIN)
    assert bound.upper(prediction) >= PLAIN.factor * prediction >= prediction
    limit = bound.limit(budget)
    assert 0 <= limit <= budget
    if limit > 0:
        assert bound.upper(limit) == pytest.approx(budget)
        assert bound.upper(1.01 * limit) > budget
    if len(told) < FEWEST:
        assert bound is PLAIN


@given(st.floats(0.1, 1000))
def test_what_is_not_known_takes_predictions_as_they_are(value):
    assert NO_BOUND.upper(value) == NO_BOUND.limit(value) == value
    assert (NO_BOUND.upper(np.array([value])) == [value]).all()


@settings(max_examples=50)
@given(answers, levels)
def test_the_level_follows_hits_and_misses(answers, confidence):
    """What Gibbs and Candes, Eq. 2, says of the sum of all corrections."""
    told, ratios = answers
    miss = 1 - confidence
    level = adapted_level(told, told * ratios, confidence, PLAIN)
    later = max(0, len(told) - FEWEST)
    misses = round(later * miss - (level - miss) / STEP)
    assert 0 <= misses <= later
    assert level == pytest.approx(miss + STEP * (later * miss - misses))


def test_few_answers_give_students_bound():
    from scipy.stats import t

    few = np.array([1.01, 1.03, 1.02, 1.04])
    level = adapted_level(np.full(4, 10.0), 10 * few, 0.95, PLAIN)
    logs = np.log(few)
    off = (logs - logs.mean()) / (1 - 1 / 4)
    exact = np.exp(logs.mean() + t.ppf(1 - level, 3) * off.std())
    found = bound_of(10, few)
    assert (found.method, found.power, found.least) == ("answers-student", 1, 1.01)
    assert found.factor == pytest.approx(exact)
    assert found.typical == pytest.approx(np.exp(logs.mean()))
    assert found.at == pytest.approx(10)


def test_many_answers_give_the_rank():
    many = np.random.default_rng(0).permutation(1 + np.arange(1, 101) / 1000)
    found = bound_of(10, many)
    assert found.method == "answers"
    level = adapted_level(np.full(100, 10.0), 10 * many, 0.95, PLAIN)
    rank = int(np.ceil(101 * (1 - level) - 1e-9))
    logs = np.log(many)
    off = (np.log(1 + rank / 1000) - logs.mean()) / (1 - 1 / 100)
    assert found.factor == pytest.approx(np.exp(logs.mean() + off))


def test_a_trend_tells_small_answers_from_large_ones():
    rng = np.random.default_rng(0)
    told = rng.uniform(4, 20, 60)
    ratios = 1.08 * (told / 4) ** -0.05 * rng.lognormal(0, 0.001, 60)
    bound = bound_of(told, ratios)
    assert bound.power == pytest.approx(0.95, abs=0.002)
    assert bound.upper(5.0) == pytest.approx(5 * 1.08 * 1.25**-0.05, rel=0.005)
    assert bound.upper(20.0) == pytest.approx(1.01 * 20), "never below that of random networks"
    # Few answers give no trend, and what has nothing in common with predictions neither.
    assert bound_of(told[:5], ratios[:5]).power == 1
    assert answer_bound(told, np.full(60, 10.0), 0.95, PLAIN).power == 1


@given(st.floats(1.0, 1.3), st.floats(0.9, 1.1), st.floats(0, 0.2), st.floats(0.5, 2))
def test_margins_and_intervals_of_the_speed_add_as_squares(margin, power, reach, factor):
    bound = Bound(1.05 * margin, "answers", 1.05, power, 10.0, margin)
    speed = Speed(factor, factor / (1 + reach), factor * (1 + reach), "today")
    today = bound.at_speed(speed)
    both = np.exp(np.hypot(np.log(margin), np.log1p(reach)))
    assert today.upper(10.0) == pytest.approx(10 * factor * 1.05 * both)
    assert today.least == pytest.approx(factor * both)
    assert today.power == bound.power
    # Never more than one on top of the other, never less than each of them.
    for predicted in (1.0, 10.0, 100.0):
        upper = today.upper(predicted)
        assert factor * bound.upper(predicted) <= upper * (1 + 1e-9)
        assert upper <= speed.high * bound.upper(predicted) * (1 + 1e-9)
        assert today.limit(upper) == pytest.approx(predicted)
    assert bound.at_speed(Speed()) == Bound(
        pytest.approx(bound.factor), "answers", 1.05, power, 10.0, pytest.approx(margin)
    )


def test_after_misses_the_bound_widens_and_after_hits_it_narrows():
    steady = np.random.default_rng(0).lognormal(0.01, 0.005, 40)
    before = bound_of(10, steady).factor
    assert bound_of(10, np.append(steady, [1.1, 1.1])).factor > before
    assert bound_of(10, np.append(steady, np.full(150, 1.011))).factor < before


def test_only_the_latest_answers_count():
    old = np.full(WINDOW, 1.5)
    recent = np.random.default_rng(0).lognormal(0.01, 0.005, WINDOW)
    assert bound_of(10, np.append(old, recent)).factor < 1.05


@pytest.fixture(scope="module")
def truth():
    """A real table without the networks that were measured for it."""
    table = read_cost_model("cpu-onnxruntime-fp32-ofa-mbv3-w1.0-r224").on_clock("wall")
    return replace(table, networks=())


@pytest.fixture(scope="module", params=[0.01, 0.025, 0.05])
def fronts(request: pytest.FixtureRequest, truth: LookupTable):
    """Exact fronts of 16 tables, each with an independent error of that size in every block.

    What the table has without errors is the truth.
    """
    return [table_front(truth, request.param, np.random.default_rng(seed)) for seed in range(16)]


def table_front(truth, error, rng):
    """A generator, and of a table with errors: what it tells of its front, the truth, the bound."""
    space = truth.spaces[0]
    errors = rng.normal(1, error, len(truth.entries))
    entries = {
        name: replace(entry, latency_ms={"wall": entry.latency_ms["wall"] * factor})
        for (name, entry), factor in zip(truth.entries.items(), errors, strict=True)
    }
    table = replace(truth, entries=entries)
    macs = Objective("macs", "", space.macs, maximise=True, additive=True)
    latency = Objective("latency", "ms", table.latency_ms, additive=True)
    front, _ = exact_front(Problem(space, (macs, latency)), rng)
    random = space.sample(20, rng, "biased")
    floor = np.sort(truth.latency_ms(random) / table.latency_ms(random))[-1]
    floor = Bound(max(1.0, float(floor)), "conformal")
    return rng, table.latency_ms(front), truth.latency_ms(front), floor


def coverage(fronts, steps, answers=60):
    """Share of answers on an exact front that keep their bound, and that keep the audited one.

    Args:
        steps: what the device's speed changes by every 20 answers, which its sentinel tells to
            within half a percent.
    """
    kept, audited = [], []
    for begun, told, true, floor in fronts:
        rng = copy.deepcopy(begun)
        first = np.linspace(0, len(told) - 1, 10).astype(int)
        known = list(zip(told[first], true[first], strict=True))
        for number in range(answers):
            speed = 1 + steps * (0, 1, -1)[number // 20 % 3]
            timed = speed * rng.lognormal(0, 0.005 if steps else 0)
            at = rng.integers(len(told))
            took = true[at] * speed / timed
            bound = answer_bound(*np.array(known).T, 0.95, floor)
            kept.append(took <= bound.upper(told[at]))
            audited.append(took <= floor.upper(told[at]))
            known.append((told[at], took))
    return np.mean(kept), np.mean(audited)


@pytest.mark.parametrize("steps", [0.0, 0.1])
@pytest.mark.no_cover
def test_answers_keep_their_bound_and_not_the_one_of_random_networks(fronts, steps):
    kept, audited = coverage(fronts, steps)
    assert 0.93 <= kept <= 0.975
    assert audited < 0.9, "what is right for random networks is not for chosen ones"


# --- what a table keeps --------------------------------------------------------------------------

SENTINEL_FACTS = {
    "sha256": "0" * 64,
    "latency_ms": {"wall": 2.0, "cpu": 1.9},
    "spread": {"wall": 0.01, "cpu": 0.01},
    "rounds": 20,
}


def test_answers_survive_json_and_old_networks_are_read():
    answer = Measured(
        SPACE.decode(SPACE.sample(1, np.random.default_rng(0)))[0],
        "answer",
        {"wall": 1.5},
        {"wall": 0.75},
        "2026-11-28T10:00:00+00:00",
        2,
        {"wall": 1.1},
    )
    assert networks_from_dict(json.loads(json.dumps([answer.to_dict()])), "networks") == (answer,)
    old = {"arch": answer.arch, "role": "audit", "latency_ms": {"wall": 1.5}}
    (read,) = networks_from_dict([old], "networks")
    assert read == Measured(answer.arch, "audit", {"wall": 1.5})
    assert read.to_dict() == old
    for name, value, words in (
        ("rank", -1, "'rank' is -1, expected at least 0"),
        ("rank", True, "'rank' is True, expected a whole number"),
        ("session", 7, "'session' is 7, expected a string"),
        ("speed", {"wall": 0}, "speed: field 'wall' is 0"),
        ("multiples", [], r"'multiples' is \[\], expected an object"),
    ):
        with pytest.raises(UsageError, match=words):
            networks_from_dict([{**old, name: value}], "networks")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("sha256", 1, "'sha256' is 1"),
        ("latency_ms", {"wall": -1}, "'wall' is -1"),
        ("latency_ms", None, "'latency_ms' is None"),
        ("spread", {"wall": "x"}, "'wall' is 'x'"),
        ("rounds", 0, "'rounds' is 0, expected at least 1"),
    ],
)
def test_a_table_with_a_damaged_sentinel_is_refused(name, value, words):
    table = made_up_table(SPACE)
    damaged = {**table.provenance, "sentinel": {**SENTINEL_FACTS, name: value}}
    data = replace(table, provenance=damaged)
    with pytest.raises((CostModelInvalid, UsageError), match=words):
        LookupTable.from_dict(json.loads(json.dumps(data.to_dict())), "t")


def test_a_speed_far_from_the_tables_is_told():
    assert Speed(1.2).is_far
    assert Speed(0.8).is_far
    assert not Speed(1.05).is_far
    assert Speed(1.02, 1.0, 1.04, "today").to_dict() == {
        "factor": 1.02,
        "low": 1.0,
        "high": 1.04,
        "of": "today",
    }
