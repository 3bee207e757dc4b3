"""The exact engine against all there is."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from data_files import PUBLISHED
from hypothesis import given, settings
from hypothesis import strategies as st
from tables import made_up_table

from luts import LookupTable
from luts.formats.ofa_format import OfaFormat
from nasprof.errors import UsageError
from search.accuracy import read_accuracy_model
from search.accuracy.ridge import AdditiveAccuracy, ridge_of
from search.archives.archive import Archive
from search.engines.exact import ExactEngine, exact_front
from search.engines.local import LocalEngine
from search.objectives.trade_off import TradeOff
from search.problem import Limit, Objective, Problem
from search.quality.indicators import non_dominated
from search.runs.run import run
from spaces import Space, get_space

CELLS = get_space("nasbench201")


class Pairs(type(CELLS)):
    """The cells, as a space whose three pairs of edges contribute independently."""

    additive = Space.additive

    @property
    def parts(self):
        pairs = np.indices((5, 5)).reshape(2, -1).T.astype(np.int8)
        return tuple((slice(begin, begin + 2), pairs) for begin in (0, 2, 4))


ALL = CELLS.parts[0][1]


def additive_problem(rng, whole=False):
    """Random contributions of each pair; whole numbers make ties."""
    tables = rng.integers(-5, 9, (2, 3, 25)).astype(float) if whole else rng.random((2, 3, 25))

    def total(table):
        return lambda genes: sum(
            table[part][5 * genes[:, 2 * part].astype(int) + genes[:, 2 * part + 1]]
            for part in range(3)
        )

    return Problem(
        Pairs(),
        (
            Objective("top1", "%", total(tables[0]), maximise=True, additive=True),
            Objective("cost", "ms", total(tables[1]), additive=True),
        ),
    )


@settings(max_examples=30)
@given(st.integers(0, 2**32), st.booleans())
def test_the_front_is_that_of_all_architectures(seed, whole):
    problem = additive_problem(np.random.default_rng(seed), whole)
    everything = problem.values(ALL)
    expected = everything[non_dominated(everything)]
    genes, values = exact_front(problem, np.random.default_rng(0))
    assert np.array_equal(problem.values(genes), values)
    assert values == pytest.approx(expected, abs=1e-12)


@settings(max_examples=20)
@given(st.integers(0, 2**32), st.floats(0.01, 1))
def test_the_first_within_a_limit_is_the_best_of_all(seed, share):
    problem = additive_problem(np.random.default_rng(seed))
    everything = problem.values(ALL)
    limit = float(np.quantile(everything[:, 1], share))
    limited = replace(problem, limits={"cost": Limit.of_budget(limit)})
    engine = ExactEngine().setup(limited, np.random.default_rng(0))
    first = problem.values(engine.ask(1))[0]
    within = everything[everything[:, 1] <= limit]
    assert first[0] == pytest.approx(within[:, 0].min(), abs=1e-12)
    rest = problem.values(engine.ask(10_000))
    assert (rest[:, 1] < first[1]).all()
    assert (np.diff(rest[:, 1]) < 0).all()


def test_the_whole_mobile_space_is_merged_exactly(rng):
    """No random architecture of 20,000 and none of their best's neighbours dominates the front."""
    space = get_space("ofa-mbv3")
    table = made_up_table(space)
    worth = np.sort(rng.random(len(space.vocabulary)))
    problem = Problem(
        space,
        (
            Objective("top1", "%", lambda g: space.additive(g, worth), True, True),
            Objective("latency", "ms", lambda g: table.latency_ms(g, space), additive=True),
        ),
    )
    genes, values = exact_front(problem, rng)
    assert len(genes) > 100
    mutants = np.where(
        rng.random((20_000, space.n_genes)) < 0.05,
        space.sample(20_000, rng),
        genes[rng.integers(len(genes), size=20_000)],
    )
    others = problem.values(
        np.concatenate([space.sample(20_000, rng, "biased"), space.canonical(mutants)])
    )
    both = np.concatenate([values + 1e-9 * np.array([-1, -1]), others])
    assert non_dominated(both).max() < len(values)


def test_the_front_of_several_resolutions_is_that_of_their_fronts(rng):
    """What a block is worth and costs differs by resolution, so no group is without it."""
    of = {"space": "ofa-mbv3", "width": 1.2}
    space = get_space("elastic-resolution", of=of, resolutions=[160, 192, 224])
    costs, worth = rng.random((2, len(space.vocabulary)))
    functions = [partial(space.additive, costs=each) for each in (worth, costs)]
    problem = Problem(
        space,
        (
            Objective("top1", "%", functions[0], maximise=True, additive=True),
            Objective("cost", "ms", functions[1], additive=True),
        ),
    )
    genes, values = exact_front(problem, rng)
    apart = []
    for number, member in enumerate(space.members):
        prefix = np.int8([number])

        def at(function, own, prefix=prefix):
            first = np.repeat(prefix[None], len(own), 0)
            return function(np.concatenate([first, own], 1))

        objectives = [
            replace(each, function=partial(at, each.function)) for each in problem.objectives
        ]
        apart.append(exact_front(Problem(member, tuple(objectives)), rng)[1])
    every = np.concatenate(apart)
    assert values == pytest.approx(every[non_dominated(every)], abs=1e-9)
    assert len(set(genes[:, 0].tolist())) > 1
    first = ExactEngine().setup(problem, np.random.default_rng(0)).ask(10_000)
    assert (first == genes).all()


def test_the_additive_accuracy_knows_the_resolution(rng):
    space = get_space("elastic-resolution", of={"space": "nasbench201"}, resolutions=[16, 24, 32])

    class Larger:
        """A point a step of resolution, and what the edges are worth."""

        name = "made up"

        def space_of(self, given):
            return given

        def top1(self, genes, space=None):
            return genes[:, 0] + genes[:, 1:] @ np.linspace(0.1, 0.6, 6)

    additive = ridge_of(Larger(), space, rng, 3000)
    genes = space.sample(300, rng)
    assert np.abs(additive.top1(genes) - Larger().top1(genes)).max() < 0.1
    assert additive.provenance["r2"] > 0.999
    again = AdditiveAccuracy.from_arrays(additive.as_arrays(), "again")
    assert np.array_equal(again.top1(genes), additive.top1(genes))


def test_local_search_comes_close_to_the_certified_optimum_on_published_data():
    """Samsung Note10 and OFA's accuracy, replaced by the additive one nearest to it."""
    space = get_space("ofa-mbv3", width=1.2)
    text = (PUBLISHED / "224_lookup_table.yaml").read_text()
    table = LookupTable("note10", (space,), OfaFormat().read({"224": text}, [space]).entries, {})
    published = read_accuracy_model(PUBLISHED / "ofa_acc_predictor.npz")
    accuracy = ridge_of(published, space, np.random.default_rng(0))
    trade_off = TradeOff(space, accuracy, table)
    for budget_ms in (22.0, 30.0, 45.0):
        problem = trade_off.problem(budget_ms)
        exact = ExactEngine().setup(problem, np.random.default_rng(0))
        optimum = -problem.values(exact.ask(1))[0, 0]
        archive = Archive(problem)
        run(LocalEngine().setup(problem, np.random.default_rng(0)), archive, 2000)
        found = -archive.best[1][0]
        assert optimum - 0.1 < found <= optimum + 1e-9


def refused(problem):
    with pytest.raises(UsageError) as error:
        exact_front(problem, np.random.default_rng(0))
    return error.value


def test_objectives_that_do_not_add_up_are_refused_by_name():
    top1, cost = additive_problem(np.random.default_rng(0)).objectives
    product = replace(cost, function=lambda genes: genes.prod(1).astype(float))
    assert "'cost' is not" in refused(Problem(Pairs(), (top1, product))).message
    assert (
        "'top1' is not" in refused(Problem(Pairs(), (replace(top1, additive=False), cost))).message
    )
    three = refused(Problem(Pairs(), (top1, cost, replace(cost, name="size"))))
    assert "there are 3: top1, cost, size" in three.message
