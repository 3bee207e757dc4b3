"""Diffusion over architectures: encodings, processes, training and what is sampled."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nasprof.errors import NasprofError, UsageError
from search.diffusion.build import make_process
from search.diffusion.conditions import Condition
from search.diffusion.encodings import EMPTY, encodings
from search.diffusion.gaussian import GaussianProcess, sigma
from search.diffusion.learner import Learner
from search.diffusion.pool import CostScale, Pool, advantages, directions
from search.diffusion.predictors import Guidance, Target
from search.diffusion.process import processes
from search.diffusion.samplers import SAMPLERS
from search.diffusion.settings import DiffusionSettings
from search.diffusion.training import DiffusionTraining
from search.regression.normal_scores import normal_scores
from spaces import get_space

CELLS, MOBILE = get_space("nasbench201"), get_space("ofa-mbv3")
NAMES = ("worth", "macs", "params")
TINY = {
    "width": 16,
    "blocks": 1,
    "batch": 32,
    "pool": 200,
    "steps": 4,
    "rounds": 1,
    "round_steps": 2,
    "samples": 32,
    "predictor_steps": 3,
    "sampling_steps": 4,
}
WAYS = {
    "cells": (CELLS, {}),
    "mobile": (MOBILE, {}),
    "blocks": (MOBILE, {"encoding": "blocks"}),
    "published cells": (CELLS, {"encoding": "published", "head": "linear"}),
    "published mobile": (MOBILE, {"encoding": "published"}),
    "masked": (MOBILE, {"process": "masked"}),
    "transformer": (CELLS, {"network": "transformer"}),
    "exaggerated": (CELLS, {"guidance": 2.0}),
    **{name: (CELLS, {"sampler": name}) for name in SAMPLERS},
}
every_way = pytest.mark.parametrize("way", list(WAYS))


def label_of(space):
    """An objective that is no sum, and what it costs."""

    def label(genes):
        macs, params = space.macs(genes) * 1.0, space.params(genes) * 1.0
        return np.stack([-np.sqrt(macs) + (genes[:, 0] == 1), macs, params], 1)

    return label


def training_of(space, seed=0, **changes):
    rng = np.random.default_rng(seed)
    given = DiffusionSettings.of({**TINY, **changes})
    return DiffusionTraining(space, NAMES, label_of(space), given, rng)


def sampled(model, seed=3, n=12):
    rng = np.random.default_rng(seed)
    condition = Condition.spread(n, len(model.directions), 0.9, 0.5, rng)
    return model.sample(condition, rng)


# --- encodings ----------------------------------------------------------------------------------

ENCODINGS = {
    f"{name} of {space.name}": encodings.get(name)(space)
    for name, space in [
        ("genes", CELLS),
        ("genes", MOBILE),
        ("blocks", MOBILE),
        ("published", CELLS),
        ("published", MOBILE),
    ]
}
every_encoding = pytest.mark.parametrize("encoding", ENCODINGS.values(), ids=ENCODINGS)


@every_encoding
def test_architectures_come_back_as_they_were(encoding):
    genes = encoding.space.sample(200, np.random.default_rng(0), "uniform")
    classes = encoding.classes(genes)
    rows = np.arange(encoding.shape[0])
    chosen = np.where(classes == EMPTY, 0, classes)
    assert ((classes == EMPTY) | encoding.allowed[rows, chosen]).all()
    again, valid = encoding.genes(classes)
    assert valid.all()
    np.testing.assert_array_equal(again, genes)


@every_encoding
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=20)
def test_whatever_is_sampled_gives_an_architecture_and_is_valid_only_if_it_is_one(encoding, seed):
    rng = np.random.default_rng(seed)
    low = EMPTY if encoding.empty_rows else 0
    classes = rng.integers(low, encoding.shape[1], (30, encoding.shape[0]))
    genes, valid = encoding.genes(classes)
    np.testing.assert_array_equal(encoding.space.canonical(genes), genes)
    np.testing.assert_array_equal(encoding.classes(genes)[valid], classes[valid])
    assert (encoding.classes(genes) != classes).any(1)[~valid].all()


def test_an_encoding_of_another_space_is_refused():
    with pytest.raises(UsageError, match="stages of blocks"):
        encodings.get("blocks")(CELLS)


# --- processes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(processes))
def test_noise_grows_with_its_level_and_leaves_what_it_does_not_hide(name):
    process = processes.get(name)(encodings.get("genes")(MOBILE))
    classes = process.encoding.classes(MOBILE.sample(64, np.random.default_rng(0)))
    hidden = []
    for level in (0.0, 0.5, 1.0):
        levels = np.full(64, level, np.float32)
        noisy = process.corrupted(classes, np.random.default_rng(1), levels)
        assert noisy.inputs.dtype == np.float32
        rows = noisy.inputs.reshape(64, *process.encoding.shape)
        hidden.append((rows.argmax(2) != classes).mean())
    assert hidden[0] == 0 and hidden[0] < hidden[1] < hidden[2]


@pytest.mark.parametrize("sampler", list(SAMPLERS))
def test_a_sampler_finds_the_only_architecture_that_there_is(sampler):
    """Denoised exactly, every way back ends at the data."""
    encoding = encodings.get("genes")(CELLS)
    process = GaussianProcess(encoding)
    truth = encoding.classes(CELLS.sample(1, np.random.default_rng(5)))
    logits = torch.from_numpy(20.0 * np.eye(5, dtype=np.float32)[truth[0]]).reshape(1, -1)
    classes = process.sample(
        lambda noisy, levels: logits.expand(len(noisy), -1),
        16,
        np.random.default_rng(0),
        steps=12,
        sampler=sampler,
    )
    assert (classes == truth).all()


@pytest.mark.parametrize(
    ("sampler", "error"),
    # The noise that sampling begins with has not the data's mean; the flow never forgets that.
    [("ancestral", 0.03), ("euler-maruyama", 0.03), ("heun", 0.06), ("dpm-solver", 0.06)],
)
def test_samples_are_distributed_as_the_data(sampler, error):
    """Rows of two classes, 80 to 20, and the posterior known exactly."""
    space = get_space("nasbench201")
    process = GaussianProcess(encodings.get("genes")(space))
    prior = np.array([0.8, 0.2, 1e-9, 1e-9, 1e-9])
    entries = torch.from_numpy(2 * np.eye(5, dtype=np.float32) - 1)

    def posterior(noisy, levels):
        spread = float(sigma(levels[:1].numpy())[0])
        rows = noisy.reshape(-1, 6, 1, 5) * (1 + spread**2) ** 0.5
        logits = -((rows - entries) ** 2).sum(-1) / (2 * spread**2) + torch.from_numpy(
            np.log(prior).astype(np.float32)
        )
        return logits.reshape(len(noisy), -1)

    rng = np.random.default_rng(0)
    classes = process.sample(posterior, 1500, rng, steps=64, sampler=sampler)
    # 9,000 rows: five standard errors are 0.02, and steps have an error of their own.
    assert np.mean(classes == 0) == pytest.approx(0.8, abs=error)


def test_guidance_by_a_predictor_moves_samples_along_its_gradient():
    training = training_of(CELLS, predictor_steps=300, steps=150, pool=600, width=64)
    model = training.run()
    macs = []
    for weight in (-12.0, 0.0, 12.0):
        guided = model.sample(200, np.random.default_rng(1), Guidance({"macs": weight}))
        macs.append(np.median(CELLS.macs(guided.genes)))
    assert macs[0] > macs[1] > macs[2]
    low, high = (
        model.sample(
            100, np.random.default_rng(1), Guidance({}, {"macs": Target(np.full(100, score), 12.0)})
        )
        for score in (-1.5, 1.5)
    )
    assert np.median(CELLS.macs(low.genes)) < np.median(CELLS.macs(high.genes))


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"encoding": "genome"}, "encoding"),
        ({"process": "gausian"}, "process"),
        ({"sampler": "heune"}, "heun"),
        ({"network": "cnn"}, "mlp"),
        ({"process": "masked", "encoding": "published"}, "masked"),
        ({"process": "masked", "head": "linear"}, "head"),
        ({"width": 4}, "width"),
    ],
)
def test_settings_that_do_not_fit_are_refused_by_name(changes, what):
    with pytest.raises(UsageError, match=what) as raised:
        training_of(MOBILE, **changes)
    assert raised.value.remedy or "expected" in raised.value.message


# --- pools and conditions -----------------------------------------------------------------------


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 500))
@settings(max_examples=25)
def test_advantages_are_ranks_among_neighbours(seed, n):
    rng = np.random.default_rng(seed)
    cost = rng.normal(size=n)
    found = advantages(cost + rng.normal(size=n), cost)
    assert ((found >= 0) & (found <= 1)).all()
    # Of equals none has an advantage.
    assert advantages(np.zeros(n), cost) == pytest.approx(np.full(n, 0.5))


def test_those_of_equal_cost_are_ranked_among_all_of_them():
    """Not among those that stand beside them."""
    worth = np.arange(2000.0)
    assert np.corrcoef(advantages(worth, np.zeros(2000)), worth)[0, 1] > 0.95


def test_the_best_at_each_cost_have_the_greatest_advantage():
    rng = np.random.default_rng(0)
    cost = rng.random(2000)
    better = rng.random(2000) < 0.05
    found = advantages(10 * cost + better, cost)
    assert found[better].min() > np.quantile(found[~better], 0.9)


@pytest.mark.parametrize(
    "costs",
    [
        np.ones((30, 1)),
        np.zeros((30, 1)),
        np.r_[0.01, np.linspace(10, 20, 29)][:, None],
        -np.linspace(1, 2, 30)[:, None],
        np.r_[1.0, np.full(29, 5.0)][:, None],
    ],
)
def test_costs_of_any_kind_are_shares_of_a_range(costs):
    shares = CostScale.of(costs).shares(costs)
    assert np.isfinite(shares).all() and ((shares >= 0) & (shares <= 1)).all()
    assert (np.diff(shares[1:, 0]) * np.diff(costs[1:, 0]) >= 0).all()


def test_one_outlier_does_not_take_the_range():
    costs = np.r_[0.0001, np.linspace(10, 20, 99)][:, None]
    shares = CostScale.of(costs).shares(costs)[:, 0]
    assert shares[0] == 0 and np.ptp(shares[1:]) > 0.4


def test_directions_weigh_costs():
    for n_costs in range(4):
        weights = directions(n_costs)
        assert weights.shape[1] == n_costs
        if n_costs:
            assert weights.sum(1) == pytest.approx(1)
            np.testing.assert_array_equal(weights[0], np.eye(n_costs)[0])


def test_normal_scores_keep_the_order_and_bear_anything():
    values = np.array([[1.0, 5.0, 0.01], [1.0, 4.0, 3e9], [1.0, 4.5, 2.0], [1.0, 1.0, 1.0]])
    scores = normal_scores(values)
    assert (scores[:, 0] == 0).all() and np.isfinite(scores).all()
    np.testing.assert_array_equal(scores[:, 1:].argsort(0), values[:, 1:].argsort(0))


def test_pools_hold_each_architecture_once_and_keep_their_scale():
    genes = np.unique(CELLS.sample(50, np.random.default_rng(0)), axis=0)
    pool = Pool.of(genes, label_of(CELLS)(genes))
    more = CELLS.sample(80, np.random.default_rng(1))
    larger = pool.with_those(more, label_of(CELLS)(more))
    assert len(np.unique(larger.genes, axis=0)) == len(larger) > len(pool)
    np.testing.assert_allclose(larger.values, label_of(CELLS)(larger.genes))
    assert larger.scale is pool.scale
    assert larger.advantages.shape == (len(larger), len(directions(2)))


# --- training and sampling ----------------------------------------------------------------------


@every_way
def test_the_same_seed_gives_the_same_and_another_one_something_else(way):
    space, changes = WAYS[way]
    first, second = (sampled(training_of(space, **changes).run()) for _ in range(2))
    np.testing.assert_array_equal(first.genes, second.genes)
    np.testing.assert_array_equal(space.canonical(first.genes), first.genes)
    assert first.valid.shape == (12,)
    other = sampled(training_of(space, seed=1, **changes).run())
    assert (other.genes != first.genes).any()


@every_way
def test_a_training_goes_on_exactly_where_it_was_left(way):
    space, changes = WAYS[way]
    whole = training_of(space, **changes)
    expected = sampled(whole.run())
    for stop in (0, 3, 4, 5, 7, whole.total):
        broken, later = training_of(space, **changes), training_of(space, seed=9, **changes)
        while broken.steps < stop:
            broken.step()
        later.load_state(*broken.state())
        np.testing.assert_array_equal(sampled(later.run()).genes, expected.genes)


def test_what_is_asked_for_is_sampled():
    training = training_of(
        CELLS, steps=500, rounds=0, pool=3000, width=64, batch=128, sampling_steps=16
    )
    model = training.run()
    shares = np.repeat([0.3, 0.9], 100)
    found = model.sample(Condition.at(shares, 0.9), np.random.default_rng(0))
    macs = CELLS.macs(found.genes)
    assert np.median(macs[:100]) < np.median(macs[100:])
    assert found.valid.all()


def test_one_objective_alone_and_a_constant_one_are_no_trouble():
    def label(genes):
        return np.stack([CELLS.macs(genes) * 1.0, np.full(len(genes), 7.0)], 1)

    for columns in (1, 2):
        training = DiffusionTraining(
            CELLS,
            NAMES[:columns],
            lambda genes, columns=columns: label(genes)[:, :columns],
            DiffusionSettings.of(TINY),
            np.random.default_rng(0),
        )
        assert sampled(training.run()).genes.shape == (12, 6)


def test_values_that_are_no_numbers_and_spaces_of_few_are_refused():
    def nothing(genes):
        return np.full((len(genes), 3), np.nan)

    with pytest.raises(UsageError, match="expected a number"):
        DiffusionTraining(
            CELLS, NAMES, nothing, DiffusionSettings.of(TINY), np.random.default_rng(0)
        )
    with pytest.raises(UsageError, match="at least 20"):
        few = CELLS.sample(1, np.random.default_rng(0))

        class Few(type(CELLS)):
            def sample(self, n, rng, strategy="uniform"):
                return np.repeat(few, n, 0)

        DiffusionTraining(
            Few(), NAMES, label_of(CELLS), DiffusionSettings.of(TINY), np.random.default_rng(0)
        )


def test_a_training_that_breaks_down_says_so():
    learner = Learner(lambda: torch.nn.Linear(1, 1), 0, 0.1)
    with pytest.raises(NasprofError, match="broke down"):
        learner.step(learner.network(torch.full((1, 1), torch.nan)).sum(), 1.0)


def test_guidance_without_predictors_or_of_unknown_objectives_is_refused():
    model = training_of(CELLS, predictor_steps=0).run()
    with pytest.raises(UsageError, match="no predictor"):
        model.sample(3, np.random.default_rng(0), Guidance({"macs": 1.0}))
    model = training_of(CELLS).run()
    with pytest.raises(UsageError, match="mac") as raised:
        model.sample(3, np.random.default_rng(0), Guidance({"mac": 1.0}))
    assert "macs" in raised.value.remedy


def test_the_process_is_as_the_settings_have_it():
    process = make_process(MOBILE, DiffusionSettings.of({"encoding": "published"}))
    assert process.encoding.shape == (20, 9)
    assert make_process(CELLS, DiffusionSettings.of({"encoding": "published"})).encoding.shape == (
        8,
        7,
    )
