"""POMONAG's generators: training, files, what they sample, and their commands."""

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from quick_trainings import HARDLY_DIFFUSED as HARDLY
from quick_trainings import Stop
from trade_offs import CELLS, MODELS, cells, made_up_accuracy, mobile

from luts import write_cost_model
from nasprof.errors import UsageError
from search.cli import main
from search.diffusion.model import Samples
from search.generators.answers import AnswerSettings, answer
from search.generators.checkpoint import CheckpointInvalid
from search.objectives.trade_off import TradeOff
from search.pomonag import training as trainings
from search.pomonag.checkpoint import read_generator, write_generator
from search.pomonag.generated import generate_architectures
from search.pomonag.objectives import problem_for
from search.pomonag.phases import PHASES, sample_phase
from search.pomonag.picks import front_by, picks_by
from search.pomonag.quality import Interval, Quality
from search.pomonag.report import report_on
from search.pomonag.request import GUIDES, PomonagOptions, PomonagReportOptions
from search.pomonag.scales import search_scales
from search.pomonag.settings import PomonagSettings
from search.pomonag.training import train
from spaces import get_space
from spaces.predictor import SpaceMismatch

WAYS = {
    "all asked": {},
    "measured": {"measured": 40},
    "two objectives": {"objectives": "latency,top1"},
    "memory as well": {"objectives": "top1,latency,peak_memory"},
    "masked": {"process": "masked"},
    "published": {
        name: value
        for name, value in PomonagSettings.published().to_dict().items()
        if name not in HARDLY
    },
}
every_way = pytest.mark.parametrize("way", list(WAYS))


def settings_of(**changes):
    return PomonagSettings.of({**HARDLY, **changes})


def hardly(trade_off, seed=0, **changes):
    return train(trade_off, settings_of(**changes), seed)


@pytest.fixture(scope="module")
def generator():
    return hardly(cells())


@pytest.fixture(scope="module")
def learnt():
    """One that has learnt something."""
    chosen = settings_of(
        width=64, blocks=2, batch=128, pool=3000, steps=300, predictor_steps=200, sampling_steps=16
    )
    return train(cells(), chosen, 0)


def sampled(generator, n=24):
    ends = cells().extremes
    budgets = np.linspace(ends.min_ms, ends.max_ms, n)
    return generator.sample(budgets, np.random.default_rng(1))


# --- training -----------------------------------------------------------------------------------


@every_way
def test_the_same_seed_trains_the_same_and_an_interruption_changes_nothing(
    way, tmp_path, monkeypatch
):
    monkeypatch.setattr(trainings, "SAVED_EVERY", 2)
    chosen = settings_of(**WAYS[way])
    whole = train(cells(), chosen, 3)
    assert sampled(whole).shape == (24, CELLS.n_genes)
    assert whole.trained_for(cells())
    assert (sampled(whole) != sampled(train(cells(), chosen, 4))).any()
    file = tmp_path / "g.training"
    for stop in (3, 5):
        with pytest.raises(KeyboardInterrupt):
            train(cells(), chosen, 3, progress=Stop(stop), checkpoint=file)
    resumed = train(cells(), chosen, 3, checkpoint=file)
    np.testing.assert_array_equal(sampled(resumed), sampled(whole))
    np.testing.assert_array_equal(resumed.elites, whole.elites)
    assert resumed.provenance["seed"] == 3


def test_another_training_is_not_gone_on_with(tmp_path, monkeypatch):
    monkeypatch.setattr(trainings, "SAVED_EVERY", 2)
    file = tmp_path / "g.training"
    with pytest.raises(KeyboardInterrupt):
        train(cells(), settings_of(), 3, progress=Stop(3), checkpoint=file)
    with pytest.raises(UsageError, match="other seed"):
        train(cells(), settings_of(), 4, checkpoint=file)
    file.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(CheckpointInvalid, match=r"g\.training"):
        train(cells(), settings_of(), 3, checkpoint=file)


def test_of_measured_networks_only_so_many_are_asked_for():
    asked = hardly(cells(), measured=40).provenance["evaluations"]
    assert asked == 40
    assert hardly(cells()).provenance["evaluations"] > 150


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"measured": 7}, "at least 20"),
        ({"objectives": "top1,params"}, "latency"),
        ({"objectives": "top1,latency,parms"}, "params"),
        ({"objectives": "top1,latency,macs,macs"}, "twice"),
        ({"encoding": "blocks"}, "stages of blocks"),
        ({"sampler": "heum"}, "heun"),
    ],
)
def test_settings_that_do_not_fit_are_refused(changes, what):
    with pytest.raises(UsageError) as refused:
        hardly(cells(), **changes)
    assert what in f"{refused.value.message} {refused.value.remedy}"


def test_a_constant_objective_and_accuracies_of_one_percent_are_no_trouble():
    class Flat:
        """Top-1 is the same throughout, but for some that learnt nothing."""

        def __init__(self, model):
            self._model = model

        def __getattr__(self, name):
            return getattr(self._model, name)

        def top1(self, genes, space):
            return np.where(genes[:, 0] == 0, 1.0, 70.0)

    trade_off = TradeOff(CELLS, Flat(made_up_accuracy(CELLS)), cells().cost)
    made = hardly(trade_off, objectives="top1,latency,peak_memory")
    assert sampled(made).shape == (24, CELLS.n_genes)


# --- files --------------------------------------------------------------------------------------


@every_way
def test_a_generator_is_read_as_it_was_written(way, tmp_path):
    made = hardly(cells(), **WAYS[way])
    write_generator(made, tmp_path / "g.npz")
    found = read_generator(tmp_path / "g.npz", CELLS)
    np.testing.assert_array_equal(sampled(found), sampled(made))
    assert found.provenance == made.provenance
    assert found.trained_for(cells())
    write_generator(found, tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "g.npz").read_bytes()


def test_files_that_are_none_of_its_are_refused_by_name(generator, tmp_path):
    path = tmp_path / "g.npz"
    write_generator(generator, path)
    with pytest.raises(SpaceMismatch, match="not of ofa-mbv3"):
        read_generator(path, get_space("ofa-mbv3"))
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for place in [0, len(whole) // 2, len(whole) - 40, *rng.integers(0, len(whole), 10)]:
        path.write_bytes(whole[:place])
        with pytest.raises(CheckpointInvalid, match=r"g\.npz"):
            read_generator(path, CELLS)
    with pytest.raises(UsageError, match="No such file"):
        read_generator(tmp_path / "none.npz", CELLS)


# --- what is sampled ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(MODELS))
def test_budgets_are_answered_within_their_bounds(name):
    trade_off = MODELS[name]()
    made = hardly(trade_off)
    ends = trade_off.budget_range(0.95)
    budgets = [ends[0] * 0.5, ends[0] * 1.3, ends[1] * 2]
    chosen = AnswerSettings(samples=16)
    found = answer(made, trade_off, budgets, np.random.default_rng(0), chosen)
    again = answer(made, trade_off, budgets, np.random.default_rng(0), chosen)
    assert [[one.genes.tolist() for one in each] for each in found] == [
        [one.genes.tolist() for one in each] for each in again
    ]
    assert len(found[0]) == 1
    for budget_ms, each in zip(budgets[1:], found[1:], strict=True):
        assert all(one.upper_ms <= budget_ms for one in each)


def test_samples_follow_the_budget(learnt):
    ends = cells().extremes
    budgets = np.repeat([0.35, 0.95], 60) * (ends.max_ms - ends.min_ms) + ends.min_ms
    times = cells().latency_ms(learnt.sample(budgets, np.random.default_rng(0)))
    assert np.median(times[:60]) < np.median(times[60:])


def test_a_calibration_moves_budgets_along(learnt):
    slower = replace(learnt, now_ms=2 * learnt.range_ms)
    budgets = np.linspace(*learnt.range_ms, 20)
    np.testing.assert_allclose(slower.cost_shares(2 * budgets), learnt.cost_shares(budgets))


@pytest.mark.parametrize("guide", GUIDES)
def test_phases_sample_their_ends_of_the_range(learnt, guide):
    costs = [
        np.median(
            cells().latency_ms(
                sample_phase(
                    learnt.diffusion, phase, 150, np.random.default_rng(0), guide=guide
                ).genes
            )
        )
        for phase in PHASES
    ]
    assert costs[0] < costs[1]


@pytest.mark.parametrize("guide", GUIDES)
@pytest.mark.parametrize("measured", [0, 40])
def test_generated_architectures_have_the_models_values(guide, measured):
    made = hardly(cells(), measured=measured)
    options = PomonagOptions(31, "both", guide, seed=5)
    found, again = (generate_architectures(made, cells(), options) for _ in range(2))
    told = found.to_dict()
    assert json.loads(json.dumps(told))["architectures"] == again.to_dict()["architectures"]
    assert set(told["architectures"][0]["values"]) == {"top1", "latency", "params", "macs"}
    genes = CELLS.encode([row["arch"] for row in told["architectures"]])
    for name, function in (("top1", cells().top1), ("latency", cells().latency_ms)):
        values = [row["values"][name] for row in told["architectures"]]
        np.testing.assert_allclose(values, function(genes))
    assert len(np.unique(genes, axis=0)) == len(genes)
    table = found.to_frame()
    assert list(table.columns) == ["arch", *found.names, "predicted_top1"]
    np.testing.assert_allclose(table["latency"], cells().latency_ms(genes))
    same = np.array_equal(found.values, found.predicted)
    assert same == (measured == 0)
    assert set(told["picks"]) == {"latency", "params", "macs"}


def test_scales_are_searched_for_reproducibly(learnt):
    predict = problem_for(cells(), learnt.objectives).values
    steps = []
    first, again = (
        search_scales(
            learnt.diffusion,
            predict,
            "accurate",
            3,
            np.random.default_rng(0),
            lambda *step: steps.append(step),
        )
        for _ in range(2)
    )
    assert first == again
    assert set(first) == set(learnt.objectives)
    assert steps == [(1, 3), (2, 3), (3, 3)] * 2


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"phase": "cheap"}, "no phase 'cheap'"),
        ({"guide": "weight"}, "no guide 'weight'"),
        ({"trials": 3}, "guide is 'conditional'"),
        ({"count": 0}, "count is 0"),
    ],
)
def test_options_that_make_no_sense_are_refused(given, what):
    with pytest.raises(UsageError, match=what):
        PomonagOptions(**given)


def test_a_report_tells_shares_and_correlations(learnt):
    told = report_on(learnt, cells(), PomonagReportOptions(60, seeds=2)).to_dict()
    for name in ("validity", "uniqueness", "novelty"):
        interval = told["quality"][name]
        assert interval["low"] <= interval["mean"] <= interval["high"]
    assert told["quality"]["validity"]["mean"] == 1
    assert told["spearman"]["macs"] > 0.3
    assert (
        report_on(
            hardly(cells(), predictor_steps=0), cells(), PomonagReportOptions(8, seeds=1)
        ).spearman["macs"]
        is None
    )


# --- parts --------------------------------------------------------------------------------------


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 60))
@settings(max_examples=30)
def test_picks_lie_on_the_front_in_order(seed, n):
    rng = np.random.default_rng(seed)
    values = np.stack([-rng.uniform(1, 90, n), rng.lognormal(size=n), rng.lognormal(size=n)], 1)
    for cost in (1, 2):
        front = front_by(values, cost)
        picks = picks_by(values, cost)
        assert {picks.acc, picks.bal, picks.eff} <= set(front.tolist())
        assert values[picks.acc, 0] == values[:, 0].min()
        assert values[picks.eff, cost] == values[:, cost].min()
        ratios = -values[:, 0] / values[:, cost]
        assert ratios[picks.bal] == ratios.max()


def test_nothing_has_no_picks_and_free_architectures_have():
    assert picks_by(np.zeros((0, 2)), 1) is None
    assert picks_by(np.array([[-50.0, 0.0]]), 1).bal == 0


def test_quality_counts_valid_distinct_and_new_ones():
    genes = np.zeros((5, 6), np.int8)
    genes[1:, 0] = [1, 1, 2, 3]
    samples = Samples(genes, np.array([True, True, True, True, False]))
    assert Quality.of(samples, genes[:1]) == Quality(0.8, 0.75, 2 / 3)
    nothing = Samples(genes[:0], np.zeros(0, bool))
    assert Quality.of(nothing, genes) == Quality(0, 0, 0)


def test_intervals_are_students():
    interval = Interval.of([1.0, 2.0, 3.0])
    assert interval.mean == 2
    assert interval.high - 2 == pytest.approx(4.3027 / 3**0.5, rel=1e-4)
    assert Interval.of([4.0]) == Interval(4, 4, 4)
    assert Interval(0.5, -0.2, 1.3).as_share() == Interval(0.5, 0.0, 1.0)


# --- commands -----------------------------------------------------------------------------------


@pytest.fixture
def models(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made_up_accuracy(CELLS).as_arrays().write(tmp_path / "a.npz")
    write_cost_model(cells().cost, tmp_path / "c.json")
    return ["--accuracy", "a.npz", "--lut", "c.json"]


def run(*args, code=0):
    result = CliRunner().invoke(main, ["pomonag", *args])
    assert result.exit_code == code, result.output
    return result


def test_commands_train_sample_and_report(models, tmp_path):
    given = [part for name, value in HARDLY.items() for part in ("--set", f"{name}={value}")]
    trained = run("train", *models, *given, "-o", "g.npz", "--objectives", "top1,latency", "--json")
    about = json.loads(trained.stdout)
    assert about["cpu_s"] > 0 and about["path"] == "g.npz"
    args = [*models, "--generator", "g.npz"]
    told = json.loads(run("generate", *args, "-n", "20", "--json").stdout)
    assert {"validity", "uniqueness", "novelty", "cpu_s", "architectures", "picks"} <= set(told)
    assert set(told["picks"]["latency"]) == {"acc", "bal", "eff"}
    assert "novelty" in run("generate", *args, "--phase", "accurate").stdout
    assert "validity" in run("report", *args, "--seeds", "2", "-n", "10").stdout
    told = json.loads(run("report", *args, "--seeds", "2", "-n", "10", "--json").stdout)
    assert set(told["quality"]) == {"validity", "uniqueness", "novelty"}


def test_commands_refuse_what_makes_no_sense(models):
    assert "no setting" in run("train", *models, "--set", "steeps=3", code=2).stderr
    assert "latency" in run("train", *models, "--objectives", "top1", code=2).stderr
    assert "trials" in run("generate", *models, "--trials", "3", code=2).stderr
    assert "No such file" in run("generate", *models, "--generator", "no.npz", code=2).stderr


def test_mobile_networks_are_valid_without_repair():
    made = train(
        mobile(),
        settings_of(width=96, batch=96, pool=2000, steps=250, rounds=0, sampling_steps=16),
        0,
    )
    found = generate_architectures(made, mobile(), PomonagOptions(100))
    assert found.quality.validity > 0.5
    # Next to nothing is learnt, and phases ask for more near their ends.
    assert found.quality.uniqueness > 0.3
