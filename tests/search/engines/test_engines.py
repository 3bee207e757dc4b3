"""The behaviour every search engine has."""

from dataclasses import replace

import numpy as np
import pytest
from problems import SMALL, engine_for, made_up, settings_of

from nasprof.errors import UsageError
from search.engines import engines, make_engine, nat
from search.engines.base.surrogate import Surrogates
from search.engines.nat import NatEngine, NatSettings, predicted_candidates
from search.problem import Limit, Objective, Problem
from search.quality.indicators import hypervolume
from search.quality.ranking import best, violation
from spaces import Space, get_space

pytestmark = pytest.mark.no_cover

SPACES = [get_space("ofa-mbv3", resolution=160), get_space("nasbench201")]

every_engine = pytest.mark.parametrize("name", list(engines))
limited_engine = pytest.mark.parametrize(
    "name", [name for name in engines if engines.get(name).needs_limit]
)
best_engine = pytest.mark.parametrize(
    "name", [name for name in engines if engines.get(name).seeks_best]
)
front_engine = pytest.mark.parametrize(
    "name", [name for name in engines if not engines.get(name).needs_limit]
)
YARDSTICKS = ("exact", "random")
other_front_engine = pytest.mark.parametrize(
    "name", [n for n in engines if not engines.get(n).needs_limit and n not in YARDSTICKS]
)
every_space = pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)


def every_engine_but(*names):
    return pytest.mark.parametrize("name", [name for name in engines if name not in names])


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


def suited(name, space):
    """A problem that the engine is made for."""
    return made_up(space, 0.4 if engines.get(name).seeks_best else None)


def create(name, space, seed=0):
    return engine_for(name, suited(name, space), seed)


def search(engine, problem, rounds, n=8):
    """Everything proposed, in order."""
    asked = []
    for _ in range(rounds):
        genes = engine.ask(n)
        assert len(genes) <= n
        engine.tell(genes, problem.values(genes))
        asked.append(genes)
    return np.concatenate(asked)


SLOW = ("linas", "motpe", "nat", "oneshot", "pomonag")
"""Engines that learn from what was evaluated, and whose beginnings are short for that."""


def size(name):
    """How many rounds of 20 show what an engine does."""
    if name == "local":  # whose climbs begin alike whatever the seed
        return 60
    if name == "motpe":  # of which each round takes a tenth of a second
        return 4
    return 6 if name in SLOW else 30


@every_engine
@every_space
def test_same_seed_gives_the_same_search(name, space):
    problem, rounds = suited(name, space), size(name)
    first, again = (search(create(name, space, 3), problem, rounds, 20) for _ in range(2))
    assert len(first) > 0
    assert np.array_equal(first, again)
    if name != "exact":
        other = search(create(name, space, 4), problem, rounds if name == "local" else 2, 20)
        assert not np.array_equal(first[: len(other)], other)


@every_engine
def test_same_seed_gives_the_same_search_within_limits_that_some_miss_alike(name):
    """Small whole numbers, so that many are as far beyond the limit as others."""
    space = SPACES[1]
    top1, macs = made_up(space).objectives
    whole = replace(macs, function=Additive(space, np.arange(len(space.vocabulary)) % 4.0))
    problem = Problem(space, (top1, whole), {"macs": Limit.of_budget(8.0)})
    first, again = (
        search(engine_for(name, problem, 3, population=20), problem, min(size(name), 12), 20)
        for _ in range(2)
    )
    assert np.array_equal(first, again)


@every_engine
@every_space
def test_a_search_is_resumed_by_replay(name, space):
    """Set up anew, and told what was evaluated before it was killed."""
    problem, rounds = suited(name, space), min(size(name), 12)
    engine = create(name, space, 5)
    begun = search(engine, problem, rounds)
    expected = search(engine, problem, rounds)
    known = {row.tobytes(): value for row, value in zip(begun, problem.values(begun), strict=True)}
    resumed = create(name, space, 5)
    for _ in range(rounds):
        genes = resumed.ask(8)
        resumed.tell(genes, np.array([known[row.tobytes()] for row in genes]).reshape(-1, 2))
    assert np.array_equal(search(resumed, problem, rounds), expected)


@every_engine
def test_an_engine_that_is_set_up_again_begins_anew(name):
    problem = suited(name, SPACES[1])
    engine = create(name, SPACES[1], 5)
    expected = search(engine, problem, 5)
    engine.setup(problem, np.random.default_rng(5))
    assert np.array_equal(search(engine, problem, 5), expected)


@pytest.mark.parametrize("name", [name for name in engines if name != "exact"])
def test_nothing_is_evaluated_before_the_first_ask(name):
    problem, asked = counted(suited(name, SPACES[1]))
    engine = engine_for(name, problem)
    assert asked == []
    engine.ask(1)


@every_engine
@every_space
def test_proposals_are_canonical_and_never_repeated(name, space):
    engine, problem = create(name, space, 6), suited(name, space)
    told = space.sample(5, np.random.default_rng(7))
    engine.tell(told, problem.values(told))
    genes = search(engine, problem, size(name), 16)
    assert (space.canonical(genes) == genes).all()
    assert len(np.unique(np.concatenate([genes, told]), axis=0)) == len(genes) + len(told)


@every_engine_but("random")  # which draws more at a time when asked for more
def test_how_many_are_asked_at_a_time_changes_nothing_but_random_draws(name):
    problem = suited(name, SPACES[0])
    total = 5 * max(size(name), 6)
    few, many = (search(create(name, SPACES[0]), problem, total // n, n) for n in (4, 30))
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
    if name in ("random", "nas-mo", "nsga2", "linas", "motpe", "nat", "pomonag"):
        assert len(genes) == 25


def counted(problem):
    """The same problem, and how many architectures each question to its objectives was about."""
    asked = []

    def counting(function):
        def values(genes):
            asked.append(len(genes))
            return function(genes)

        return values

    objectives = [replace(each, function=counting(each.function)) for each in problem.objectives]
    return replace(problem, objectives=tuple(objectives)), asked


@every_engine
def test_an_impossible_limit_takes_no_more_than_one_that_can_be_met(name):
    numbers = {}
    for share in (0.4, -0.1):
        problem, asked = counted(made_up(SPACES[0], share))
        genes = search(engine_for(name, problem), problem, 10)
        numbers[share] = sum(asked)
    assert numbers[-0.1] <= numbers[0.4]
    assert best(problem.values(genes), problem.worst) is None


@every_engine
def test_limits_are_met_by_the_best(name):
    problem = made_up(SPACES[0], 0.5)
    genes = search(engine_for(name, problem), problem, size(name), 20)
    values = problem.values(genes)
    place = best(values, problem.worst)
    assert violation(values, problem.worst)[place] == 0
    feasible = values[values[:, 1] <= problem.worst[1]]
    assert values[place, 0] == feasible[:, 0].min()


@best_engine
def test_engines_with_a_limit_beat_random_search(name):
    problem = made_up(SPACES[0], 0.3)
    found = {}
    for each in (name, "random", "exact"):
        engine = engine_for(each, problem, 1)
        values = problem.values(search(engine, problem, 40, 50))
        found[each] = values[best(values, problem.worst), 0]
    assert found["exact"] <= found[name] < found["random"]


@limited_engine
def test_engines_for_a_limit_refuse_a_problem_without(name):
    with pytest.raises(UsageError, match="no") as refused:
        make_engine(name).check(made_up(SPACES[0]))
    assert "exact, linas, local" in refused.value.remedy


@every_engine
@pytest.mark.parametrize("failure", [np.nan, np.inf])
def test_what_failed_never_wins(name, failure):
    """The best architectures cannot be evaluated: the search goes on and finds others."""
    problem = suited(name, SPACES[0])
    engine = create(name, SPACES[0])
    genes = []
    for _ in range(size(name)):
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


# --- any number of objectives ---------------------------------------------------------------


def many(space, n):
    """Random additive objectives, every second of them maximised."""
    draws = np.random.default_rng(n).random((n, len(space.vocabulary)))
    objectives = tuple(
        Objective(f"o{place}", "x", Additive(space, costs), maximise=place % 2 == 1, additive=True)
        for place, costs in enumerate(draws)
    )
    return Problem(space, objectives)


class Additive:
    def __init__(self, space, costs):
        self.space, self.costs = space, costs

    def __call__(self, genes):
        return self.space.additive(genes, self.costs)


@front_engine
@pytest.mark.parametrize("n", [1, 3, 12])
def test_engines_take_as_many_objectives_as_they_say(name, n):
    problem = many(SPACES[1], n)
    least, most = engines.get(name).n_objectives
    if not least <= n <= most:
        with pytest.raises(UsageError, match=f"there are {n}") as refused:
            engine_for(name, problem)
        assert f"Engines for {n}: " in refused.value.remedy
        assert "nsga2" in refused.value.remedy
        assert f" {name}," not in refused.value.remedy
        return
    genes = search(engine_for(name, problem), problem, 12, 16)
    assert len(genes) >= 40
    assert len(np.unique(genes, axis=0)) == len(genes)


@other_front_engine
def test_whole_fronts_beat_random_search(name):
    problem = made_up(SPACES[0])
    corner = np.array([-60.0, 900.0])
    shares = {}
    for each in (name, "random"):
        genes = search(engine_for(each, problem, 2), problem, 20, 20)
        shares[each] = hypervolume(problem.values(genes), corner)
    assert shares[name] > shares["random"]


@other_front_engine
def test_limits_on_any_objective_are_sought(name):
    """On two of three objectives, one of them maximised, which one in twenty meets."""
    free = many(SPACES[1], 3)
    values = free.values(SPACES[1].sample(400, np.random.default_rng(0)))
    met = (values[None, :, :2] <= values[:, None, :2]).all(2).mean(1)
    o0, o1, _ = free.signs * values[np.abs(met - 0.05).argmin()]
    problem = Problem(
        SPACES[1], free.objectives, {"o0": Limit.of_budget(o0), "o1": Limit.of_budget(o1)}
    )

    def within(engine, rounds):
        genes = search(engine_for(engine, problem, 3, population=20), problem, rounds, 10)
        return violation(problem.values(genes), problem.worst) == 0

    if name in ("ctaea", "local"):  # slow here: one evaluates for diversity, one every neighbour
        early, *_, late = np.array_split(within(name, 400), 4)
        assert late.mean() > 1.5 * early.mean()
    else:
        assert within(name, 40).mean() > 1.5 * within("random", 40).mean()


@every_engine_but("exact")  # which knows the front from the start
def test_a_search_begins_with_what_it_is_given(name):
    problem = suited(name, SPACES[0])
    first = SPACES[0].sample(5, np.random.default_rng(11), "biased")
    engine = engine_for(name, problem, 0, first)
    begun = engine.ask(200)
    if name == "nas-mo":
        given = np.repeat(first[:1], 50, 0)
        leaning = engine_for(name, problem, 0, given).ask(32)
        assert (leaning == first[0]).mean() > (
            engine_for(name, problem, 0).ask(32) == first[0]
        ).mean()
        return
    held = {row.tobytes() for row in begun}
    if name == "local":
        first = first[:1]  # the others follow where the climb from it has ended
    assert all(row.tobytes() in held for row in first)


# --- settings -------------------------------------------------------------------------------


@every_engine
def test_unknown_settings_are_named_with_those_there_are(name):
    with pytest.raises(UsageError, match="no setting 'colour'") as refused:
        make_engine(name, {"colour": 3})
    for known in settings_of(name):
        assert known in refused.value.remedy


@every_engine
def test_settings_of_another_kind_are_refused(name):
    settings = settings_of(name)
    assert bool(settings) == (name != "exact")
    for known, info in settings.items():
        with pytest.raises(UsageError, match=f"setting '{known}'"):
            make_engine(name, {known: [info.default]})
        if isinstance(info.default, int | float):
            for wrong in (-1, True, float("nan"), float("inf"), "many", None):
                with pytest.raises(UsageError, match=f"setting '{known}' is {wrong!r}, expected"):
                    make_engine(name, {known: wrong})


def test_settings_of_another_engine_are_refused():
    with pytest.raises(UsageError, match="settings of NSGA3Engine are BreedingSettings"):
        engines.get("nsga3")(engines.get("nsga2").settings)


# --- searches on predictions ----------------------------------------------------------------

predicting_engine = pytest.mark.parametrize(
    "name", [name for name in engines if engines.get(name).predicts]
)


@predicting_engine
def test_predictors_are_chosen_by_objective(name):
    problem = made_up(SPACES[1])
    chosen = {"top1": "ridge", "macs": "cart"}
    engine = engine_for(name, problem, predictor=chosen)
    assert len(search(engine, problem, 8, 20)) > 60
    for wrong, said in (
        ("lasso", "no predictor is called 'lasso'"),
        ({"flops": "ridge"}, "'flops', which is no objective"),
        ({"top1": 3}, "expected a name"),
        ("known", "cost something"),
    ):
        with pytest.raises(UsageError, match=said):
            make_engine(name, {"predictor": wrong}).check(problem)


def test_values_that_cost_nothing_are_asked_and_others_predicted():
    free = replace(made_up(SPACES[1]).objectives[1], free=True)
    problem = replace(made_up(SPACES[1]), objectives=(made_up(SPACES[1]).objectives[0], free))
    surrogates = Surrogates(problem)
    genes = SPACES[1].sample(60, np.random.default_rng(0))
    assert surrogates.fit(genes[:40], problem.values(genes[:40]))
    predicted, values = surrogates(genes[40:]), problem.values(genes[40:])
    assert np.array_equal(predicted[:, 1], values[:, 1])
    assert not np.array_equal(predicted[:, 0], values[:, 0])
    assert np.abs(predicted[:, 0] - values[:, 0]).max() < 0.5 * np.ptp(values[:, 0])


def test_any_genetic_engine_can_search_inside_of_linas():
    problem = made_up(SPACES[1])
    for inner in ("nsga3", "unsga3", "agemoea", "ctaea", "moead", "evo", "local"):
        engine = engine_for("linas", problem, inner=inner)
        assert len(search(engine, problem, 4, 16)) == 64
    for wrong in ("linas", "exact", "nas-mo"):
        with pytest.raises(UsageError, match="cannot search on predictions"):
            make_engine("linas", {"inner": wrong}).check(problem)


@pytest.mark.parametrize("name", ["linas", "nat", "pomonag"])
def test_what_is_drawn_where_nothing_can_be_predicted_is_as_likely_small_as_large(name):
    """All evaluations fail, so that there is nothing to learn from."""
    space = SPACES[0]
    engine, drawn = create(name, space), []
    for _ in range(40):
        genes = engine.ask(20)
        engine.tell(genes, np.full((len(genes), 2), np.nan))
        drawn.append(genes)
    macs = space.macs(np.concatenate(drawn)[SMALL[name].get("initial", 16) :])
    assert len(macs) > 200
    middle = np.median(space.macs(space.sample(2000, np.random.default_rng(0), "biased")))
    assert 0.4 < (macs < middle).mean() < 0.6


inner_setting = pytest.mark.parametrize(
    "name", [name for name in engines if "inner" in settings_of(name)]
)


@inner_setting
@pytest.mark.parametrize(
    ("inner", "n", "least"),
    [("moead", 1, "at least 2"), ("ctaea", 1, "at least 2")]
    + [(inner, 16, "up to 15") for inner in ("agemoea", "ctaea", "moead")],
)
def test_an_inner_engine_for_other_numbers_of_objectives_is_refused_at_once(name, inner, n, least):
    with pytest.raises(UsageError, match=f"needs {least} objectives, there are {n}") as refused:
        make_engine(name, {"inner": inner}).check(many(SPACES[1], n))
    assert refused.value.message.startswith(f"setting 'inner' is '{inner}': ")
    assert "nsga2" in refused.value.remedy


def test_engines_with_an_inner_one_are_known():
    assert inner_setting.args[1] == ["linas", "oneshot"]


def test_an_archive_of_nat_keeps_its_size(monkeypatch):
    archives = []

    def watched(problem, settings, predict, genes, *others):
        archives.append(genes)
        return predicted_candidates(problem, settings, predict, genes, *others)

    monkeypatch.setattr(nat, "predicted_candidates", watched)
    problem = made_up(SPACES[1])
    engine = NatEngine(NatSettings.of(SMALL["nat"] | {"archive": 24}))
    genes = search(engine.setup(problem, np.random.default_rng(0)), problem, 10, 8)
    assert len(np.unique(genes, axis=0)) == len(genes)
    assert {len(archive) for archive in archives} == {20, 24}
    for archive in archives:
        assert len(np.unique(archive, axis=0)) == len(archive)
        assert (SPACES[1].canonical(archive) == archive).all()
