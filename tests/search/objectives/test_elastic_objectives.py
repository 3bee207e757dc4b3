"""Objectives where the input resolution is a gene: models of one resolution are asked by member."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from data_files import PUBLISHED
from small_supernets import ELASTIC as TINY_ELASTIC
from small_supernets import card_of, digits_for
from tables import TINY, audited_table, made_up_table

import profiler.api.table as tables_api
from luts import Bound, write_cost_model
from luts.learned import LearnedCostModel
from luts.training import TrainingSet
from nasprof.errors import UsageError
from profiler import build_table
from search import LabelledImages, Models, RunOptions, read_archive, run
from search.engines.exact import ExactEngine
from search.objectives import objectives_of
from search.objectives.by_member import united
from search.problem import Objective, Problem
from search.quality.indicators import non_dominated
from spaces import get_space
from spaces.predictor import SpaceMismatch
from supernets import Recalibration, Supernet, write_supernet

OF = {"space": "ofa-mbv3", **{name: TINY[name] for name in TINY.keys() - {"resolution"}}}
SPACE = get_space("elastic-resolution", of=OF, resolutions=[20, 24, 28])
GENES = SPACE.sample(40, np.random.default_rng(5), "biased")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("NASPROF_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def table(folder):
    """A table of all three resolutions, with a calibration."""
    written = replace(audited_table(*SPACE.members), provenance={"device": "Some phone"})
    write_cost_model(written, folder / "t.json")
    return written


def one(name, space=SPACE, **models):
    return objectives_of([name], Models(space=space, **models))[1][0]


def by_hand(function):
    """Values that ``function(genes, member)`` gives, of each architecture alone."""
    values = []
    for row in GENES:
        ((member, _, own),) = SPACE.by_member(row[None])
        values.append(float(function(own, member)[0]))
    return values


@pytest.mark.parametrize("name", ["macs", "params", "size_bytes", "size_bytes@int8", "peak_memory"])
def test_what_is_computed_is_that_of_the_member(name):
    objective = one(name)
    values = objective.function(GENES)
    assert values.tolist() == by_hand(lambda own, member: one(name, member).function(own))
    low, high = objective.extremes()
    ends = [one(name, member).extremes() for member in SPACE.members]
    assert low == min(least for least, _ in ends)
    assert high == max(most for _, most in ends)
    assert low <= values.min() and values.max() <= high


def test_latencies_are_those_that_the_table_gives_members(table):
    objective = one("latency", lut="t.json")
    values = objective.function(GENES)
    assert values == pytest.approx(by_hand(table.latency_ms), rel=1e-12)
    low, high = objective.extremes()
    ends = [table.extremes(member) for member in SPACE.members]
    assert low == min(end.min_ms for end in ends)
    assert high == max(end.max_ms for end in ends)
    assert (objective.unit, objective.additive, objective.free) == ("ms", True, True)
    assert objective.bound == one("latency", SPACE.at(24), lut="t.json").bound
    facts = objective.facts["by_resolution"]
    assert [about["model"] for about in facts] == ["t"] * 3
    assert len({str(about["probes"]) for about in facts}) == 3
    assert np.array_equal(pickle.loads(pickle.dumps(objective)).function(GENES), values)
    upper = one("latency_upper", lut="t.json").function(GENES)
    assert upper == pytest.approx(by_hand(lambda own, at: table.upper_bound_ms(own, 0.95, at)))


def test_a_table_that_lacks_a_resolution_is_refused_by_name(table, folder):
    write_cost_model(made_up_table(*SPACE.members[:2]), folder / "few.json")
    with pytest.raises(SpaceMismatch, match="no space in common") as refusal:
        one("latency", lut="few.json")
    assert "objective 'latency' is of ofa-mbv3 w1.0@20" in str(refusal.value)
    assert "the space asked for of elastic-resolution 20/24/28" in str(refusal.value)
    assert "--resolution" in refusal.value.remedy
    assert one("latency", SPACE.at(24), lut="few.json").additive


def test_exactly_one_resolution_is_still_searched_alone(table):
    space, _ = objectives_of(["latency"], Models(lut="t.json", resolution=24))
    assert space == SPACE.at(24)
    with pytest.raises(SpaceMismatch, match="several spaces in common"):
        objectives_of(["latency"], Models(lut="t.json"))


def test_learned_models_know_resolutions_between_their_own(folder):
    rng = np.random.default_rng(0)
    archs = [arch for at in (20, 28) for arch in SPACE.at(at).decode(SPACE.at(at).sample(30, rng))]
    times = [sum(arch["depths"]) * arch["resolution"] / 100 for arch in archs]
    provenance = {"device": "cpu", "runtime": "litert", "threads": 1, "precision": "fp32"}
    model = LearnedCostModel.fit("learned", TrainingSet.of(archs, times), provenance)
    write_cost_model(model, folder / "learned.json")
    objective = one("latency", lut="learned.json")
    assert objective.function(GENES) == pytest.approx(by_hand(model.latency_ms), rel=1e-9)
    assert not objective.additive
    wider = get_space("elastic-resolution", of=OF, resolutions=[20, 32])
    with pytest.raises(SpaceMismatch, match="no space in common"):
        one("latency", wider, lut="learned.json")


def test_an_accuracy_model_of_all_resolutions_is_asked_at_each():
    of = {"space": "ofa-mbv3", "width": 1.2}
    space = get_space("elastic-resolution", of=of, resolutions=[160, 176, 192, 208, 224])
    name = f"top1@{PUBLISHED / 'ofa_acc_predictor.npz'}"
    genes = space.sample(25, np.random.default_rng(0))
    values = one(name, space).function(genes)
    for member, rows, own in space.by_member(genes):
        assert values[rows] == pytest.approx(one(name, member).function(own), abs=1e-4)
    same = np.repeat(genes[:1], 5, 0)
    same[:, 0] = range(5)
    assert len(set(one(name, space).function(same).tolist())) == 5
    beyond = get_space("elastic-resolution", of=of, resolutions=[160, 240])
    with pytest.raises(SpaceMismatch, match="no space in common"):
        one(name, beyond)


def test_a_supernet_of_several_resolutions_tells_the_space(folder):
    """The table names spaces of one resolution, and comes first."""
    table = made_up_table(*TINY_ELASTIC.members)
    write_cost_model(table, folder / "t.json")
    card = card_of(TINY_ELASTIC, digits_for(TINY_ELASTIC))
    write_supernet(folder / "s.safetensors", Supernet(TINY_ELASTIC), card)
    images = LabelledImages("digits", recalibration=Recalibration(images=20, batch=20))
    names = ["latency@t.json", "top1@s.safetensors", "macs"]
    space, objectives = objectives_of(names, Models(images=images))
    assert space == TINY_ELASTIC
    genes = space.sample(2, np.random.default_rng(0))
    values = Problem(space, objectives).values(genes)
    assert values.shape == (2, 3) and np.isfinite(values).all()
    write_cost_model(made_up_table(TINY_ELASTIC.at(13)), folder / "one.json")
    with pytest.raises(SpaceMismatch, match="no space in common") as refusal:
        objectives_of(["latency@one.json", "top1@s.safetensors"], Models(images=images))
    assert "--resolution" in refusal.value.remedy
    (space, _) = objectives_of(
        ["latency@one.json", "top1@s.safetensors"], Models(images=images, resolution=13)
    )
    assert space == TINY_ELASTIC.at(13)


def test_the_exact_front_of_a_table_is_that_of_its_resolutions(table):
    accuracy, latency = one("macs"), one("latency", lut="t.json")
    problem = Problem(SPACE, (replace(accuracy, maximise=True), latency))
    front = ExactEngine().setup(problem, np.random.default_rng(0)).front
    apart = []
    for member in SPACE.members:
        objectives = [one(name, member, lut="t.json") for name in ("macs", "latency")]
        alone = Problem(member, (replace(objectives[0], maximise=True), objectives[1]))
        genes = ExactEngine().setup(alone, np.random.default_rng(0)).front
        apart.append(alone.values(genes))
    every = np.concatenate(apart)
    assert problem.values(front) == pytest.approx(every[non_dominated(every)], rel=1e-9)
    assert set(front[:, 0].tolist()) == {0, 1, 2}


def test_a_search_over_resolutions_is_kept_and_gone_on_with(table, folder):
    options = RunOptions(folder="kept", evaluations=30)
    models = Models(space=SPACE, lut="t.json")
    first = run("random", "macs,latency", models=models, options=options)
    more = run("random", "macs,latency", models=models, options=replace(options, evaluations=50))
    assert np.array_equal(more.archive.genes[:30], first.archive.genes)
    (path,) = (folder / "kept").iterdir()
    assert read_archive(path).space == SPACE


def test_bounds_of_different_tables_hold_in_every_resolution():
    bounds = (
        Bound(1.3, "scaled", typical=1.1, power=0.9, at=5.0),
        Bound(1.1, "scaled", typical=1.0, power=1.05, at=5.0),
        Bound(1.2, "scaled"),
    )
    objectives = [
        Objective(
            "latency",
            "ms",
            lambda genes: np.ones(len(genes)),
            bound=bound,
            extremes=lambda low=low: (low, 4 * low),
        )
        for low, bound in zip((1.0, 2.0, 3.0), bounds, strict=True)
    ]
    joint = united(SPACE, objectives).bound
    for low, bound in zip((1.0, 2.0, 3.0), bounds, strict=True):
        for predicted in np.linspace(low, 4 * low, 20):
            assert joint.upper(predicted) >= bound.upper(predicted) - 1e-12
            assert joint.upper(joint.limit(10.0)) <= 10.0 + 1e-9
    alike = [replace(each, bound=bounds[0]) for each in objectives]
    assert united(SPACE, alike).bound == bounds[0]


def test_a_table_is_built_of_every_resolution(monkeypatch):
    plans = []

    class Build:
        def __init__(self, backend, plan, *rest):
            plans.append(plan)
            raise UsageError("that is all")

    monkeypatch.setattr(tables_api, "TableBuild", Build)
    with pytest.raises(UsageError, match="that is all"):
        build_table(SPACE, "cpu")
    assert plans[0].spaces == SPACE.members
