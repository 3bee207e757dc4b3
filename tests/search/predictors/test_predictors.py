"""The behaviour every predictor has, and how well those of real data predict."""

from __future__ import annotations

import time
from itertools import pairwise

import numpy as np
import pytest
from data_files import PUBLISHED
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from nasprof.errors import UsageError
from nasprof.threads import one_thread
from search.accuracy.measurements import read_measurements
from search.predictors import make_predictor, predictors
from search.predictors import rbf_ensemble as ensemble
from search.predictors.auto import AutoPredictor
from search.predictors.folds import out_of_fold, split
from search.predictors.gp import GaussianPredictor
from search.predictors.rbf import RbfFit, cubes, system
from search.regression.gene_encodings import Columns, onehot_ordinal, ordinal, thermometer
from search.regression.ridge import PENALTIES, RidgeFit
from spaces import get_space

SPACES = {"ofa-mbv3": get_space("ofa-mbv3"), "nasbench201": get_space("nasbench201")}
OFA = SPACES["ofa-mbv3"]

NAMES = [
    "auto",
    "cart",
    "gp",
    "gp-copula",
    "mlp",
    "rbf",
    "rbf-ensemble",
    "ridge",
    "stacked",
    "svr",
    "svr-linear",
]
UNCERTAIN = {"gp", "gp-copula", "rbf-ensemble", "ridge"}
"""Those that know how uncertain they are; ``auto`` is what it has chosen."""

every_predictor = pytest.mark.parametrize("name", list(predictors))
every_space = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)


def made_up(space, n, seed=0, noise=0.0):
    """Architectures and an additive value: a random contribution of each choice."""
    genes = space.sample(n, np.random.default_rng(seed), "biased")
    contributions = np.random.default_rng(99).normal(size=int(space.n_choices.sum()))
    values = 30 + space.onehot(genes) @ contributions
    return genes, values + np.random.default_rng([seed, 1]).normal(0, noise, n)


def error(predicted, values):
    return np.sqrt(((predicted - values) ** 2).mean())


def uncertainty(predictor, genes):
    """What the predictor must know of its uncertainty, and None only where it need not."""
    std = predictor.std(genes)
    kind = predictor.chosen if predictor.kind == "auto" else predictor.kind
    assert (std is not None) == (kind in UNCERTAIN), kind
    return std


# --- every predictor --------------------------------------------------------------------------


def test_the_names_are_those_documented():
    assert list(predictors) == sorted(NAMES)
    for name in predictors:
        assert predictors.get(name).kind == name


def test_an_unknown_name_is_refused_with_near_ones():
    with pytest.raises(UsageError, match="no predictor is called 'rigde'") as refused:
        make_predictor("rigde", OFA)
    assert "ridge" in refused.value.remedy


@pytest.mark.no_cover
@every_predictor
@every_space
def test_an_additive_value_is_learned(name, space):
    genes, values = made_up(space, 120)
    others, true = made_up(space, 300, seed=1)
    predicted = make_predictor(name, space).fit(genes, values).predict(others)
    assert (predicted.shape, predicted.dtype) == ((300,), np.float64)
    share = 0.9 if name == "cart" else 0.45
    assert error(predicted, true) < share * error(values.mean(), true)


@pytest.mark.no_cover
@every_predictor
def test_the_same_seed_and_rows_give_the_same_predictions_exactly(name):
    genes, values = made_up(OFA, 40, noise=0.1)
    others = made_up(OFA, 60, seed=1)[0]
    first, second = (make_predictor(name, OFA, seed=3).fit(genes, values) for _ in range(2))
    assert (first.predict(others) == second.predict(others)).all()
    std, again = uncertainty(first, others), uncertainty(second, others)
    assert np.array_equal(std, again)


@pytest.mark.no_cover
@every_predictor
def test_a_refit_forgets_what_was_before(name):
    genes, values = made_up(OFA, 60, noise=0.1)
    others = made_up(OFA, 50, seed=1)[0]
    refitted = make_predictor(name, OFA).fit(genes[:20], -values[:20])
    before = refitted.predict(others)
    assert refitted.fit(genes, values) is refitted
    fresh = make_predictor(name, OFA).fit(genes, values)
    assert (refitted.predict(others) == fresh.predict(others)).all()
    assert np.array_equal(uncertainty(refitted, others), uncertainty(fresh, others))
    assert (before != fresh.predict(others)).any()


@pytest.mark.no_cover
@every_predictor
def test_predictions_do_not_depend_on_how_many_are_asked(name):
    genes, values = made_up(OFA, 40, noise=0.1)
    others = made_up(OFA, 2100, seed=1)[0]
    predictor = make_predictor(name, OFA).fit(genes, values)
    together, tolerance = predictor.predict(others), 1e-4 * values.std()
    assert predictor.predict(others[:7]) == pytest.approx(together[:7], abs=tolerance)
    assert predictor.predict(others[-1:]) == pytest.approx(together[-1:], abs=tolerance)
    assert predictor.predict(others[:0]).shape == (0,)


@pytest.mark.no_cover
@every_predictor
def test_inactive_genes_say_nothing(name):
    genes, values = made_up(OFA, 30)
    raw = np.random.default_rng(5).integers(0, OFA.n_choices, (40, OFA.n_genes), np.int8)
    predictor = make_predictor(name, OFA).fit(genes, values)
    assert (predictor.predict(raw) == predictor.predict(OFA.canonical(raw))).all()


@every_predictor
@every_space
def test_equal_values_are_predicted_as_they_are(name, space):
    genes = made_up(space, 12)[0]
    for value in (0.0, -76.3, 0.1):
        predictor = make_predictor(name, space).fit(genes, np.full(12, value))
        assert (predictor.predict(genes) == value).all()
        assert predictor.std(genes) is None


@pytest.mark.no_cover
@every_predictor
@pytest.mark.parametrize("n", [2, 3, 5])
def test_few_architectures_are_enough_to_predict_something(name, n):
    genes, values = made_up(OFA, n)
    others = made_up(OFA, 40, seed=1)[0]
    predictor = make_predictor(name, OFA).fit(genes, values)
    predicted, std = predictor.predict(others), uncertainty(predictor, others)
    assert np.isfinite(predicted).all()
    if std is not None:
        assert np.isfinite(std).all()
        assert (std > 0).all()


@pytest.mark.no_cover
@every_predictor
def test_architectures_may_occur_again(name):
    genes, values = made_up(OFA, 25)
    noise = np.random.default_rng(4).normal(0, 0.01, 50)
    predictor = make_predictor(name, OFA).fit(np.tile(genes, (2, 1)), np.tile(values, 2) + noise)
    predicted = predictor.predict(genes)
    assert np.isfinite(predicted).all()
    assert error(predicted, values) < values.std()


@every_predictor
def test_a_single_architecture_with_several_values_is_predicted_at_their_mean(name):
    genes = np.tile(made_up(OFA, 1)[0], (6, 1))
    values = np.array([1.0, 2.0, 3.0, 3.0, 4.0, 5.0])
    predictor = make_predictor(name, OFA).fit(genes, values)
    assert predictor.predict(genes[:1]) == pytest.approx([3], abs=0.8)
    assert np.isfinite(predictor.predict(made_up(OFA, 20, seed=1)[0])).all()


@pytest.mark.no_cover
@every_predictor
def test_values_in_other_units_are_predicted_in_them(name):
    genes, values = made_up(OFA, 40)
    others = made_up(OFA, 30, seed=1)[0]
    predicted = make_predictor(name, OFA).fit(genes, values).predict(others)
    scaled = make_predictor(name, OFA).fit(genes, 1024 * values).predict(others)
    assert scaled == pytest.approx(1024 * predicted, rel=1e-3)


@pytest.mark.parametrize("name", sorted(UNCERTAIN))
def test_errors_are_as_large_as_uncertainty_says(name):
    genes, values = made_up(OFA, 60, noise=0.5)
    others, true = made_up(OFA, 2100, seed=1, noise=0.5)
    predictor = make_predictor(name, OFA).fit(genes, values)
    std = predictor.std(others)
    assert std.shape == (2100,)
    assert np.isfinite(std).all()
    assert (std > 0).all()
    errors = np.abs(predictor.predict(others) - true)
    assert 0.8 < (errors <= 1.96 * std).mean() <= 1


@pytest.mark.parametrize("name", sorted(set(predictors) - UNCERTAIN - {"auto"}))
def test_what_has_no_uncertainty_says_none(name):
    genes, values = made_up(OFA, 30)
    assert make_predictor(name, OFA).fit(genes, values).std(genes) is None


@pytest.mark.parametrize("only", ["ridge", "cart"])
def test_a_choice_is_as_uncertain_as_what_was_chosen(only, monkeypatch):
    genes, values = made_up(OFA, 30)
    monkeypatch.setattr(AutoPredictor, "candidates", (only,))
    found = AutoPredictor(OFA, seed=4).fit(genes, values).std(genes)
    alone = make_predictor(only, OFA, 4).fit(genes, values).std(genes)
    assert (found is None) == (only == "cart")
    assert found is None or found == pytest.approx(alone, rel=1e-6)


@every_predictor
def test_bad_input_is_named(name):
    genes, values = made_up(OFA, 5)
    predictor = make_predictor(name, OFA)
    with pytest.raises(UsageError, match=f"'{name}' was asked before it was fitted"):
        predictor.predict(genes)
    with pytest.raises(UsageError, match="before it was fitted"):
        predictor.std(genes)
    for bad in (np.nan, np.inf, -np.inf):
        with pytest.raises(UsageError, match=rf"values\[2\] is {bad}, expected a finite number"):
            predictor.fit(genes, np.where(np.arange(5) == 2, bad, values))
    with pytest.raises(UsageError, match=r"values: expected shape \(5,\) .* got \(4,\)"):
        predictor.fit(genes, values[:4])
    with pytest.raises(UsageError, match=r"values: expected shape \(5,\) .* got \(5, 1\)"):
        predictor.fit(genes, values[:, None])
    with pytest.raises(UsageError, match="at least 2 architectures, got 1"):
        predictor.fit(genes[:1], values[:1])
    with pytest.raises(UsageError, match=r"genes: expected shape \(n, 45\)"):
        predictor.fit(genes[:, :7], values)
    with pytest.raises(UsageError, match=r"genes\[0\]\[0\] is 9"):
        predictor.fit(genes, values).predict(np.full((1, OFA.n_genes), 9))


# --- columns and folds ------------------------------------------------------------------------


@every_space
@pytest.mark.parametrize("encoding", [thermometer, ordinal, onehot_ordinal])
def test_columns_tell_architectures_apart_and_are_between_0_and_1(space, encoding):
    genes = np.unique(space.sample(300, np.random.default_rng(0), "biased"), axis=0)
    inputs = encoding(space, genes)
    assert inputs.min() >= 0
    assert inputs.max() <= 1
    assert len(np.unique(inputs, axis=0)) == len(genes)
    inactive = ~space.active(genes)
    assert (ordinal(space, genes)[inactive] == 0).all()
    assert (ordinal(space, genes)[~inactive] > 0).all()


@every_space
def test_steps_are_sums_of_one_hot_genes(space):
    genes = space.sample(100, np.random.default_rng(0), "biased")
    onehot, found = space.onehot(genes), thermometer(space, genes)
    ends = np.append(0, np.cumsum(space.n_choices, dtype=int))
    for start, end in pairwise(ends):
        later = onehot[:, start:end][:, ::-1].cumsum(1)[:, ::-1]
        assert (found[:, start:end] == later).all()


def test_columns_that_never_varied_are_left_out():
    genes = OFA.sample(30, np.random.default_rng(0))
    columns = Columns.of(ordinal, OFA, genes)
    assert columns(genes).shape == (30, (np.ptp(ordinal(OFA, genes), 0) > 0).sum())
    alone = Columns.of(ordinal, OFA, genes[:1])
    assert (alone(genes) == np.zeros((30, 1))).all()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(n=st.integers(3, 400), seed=st.integers(0, 1000))
def test_each_row_is_predicted_once_from_others(n, seed):
    folds = list(split(n, seed))
    assert sorted(np.concatenate([fold for _, fold in folds])) == list(range(n))
    for rest, fold in folds:
        assert sorted(np.append(rest, fold)) == list(range(n))


# --- ridge ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "n_columns"), [(30, 8), (12, 25)])
def test_leave_one_out_errors_of_ridge_are_those_of_fitting_without_each_row(n, n_columns, rng):
    inputs, targets = rng.normal(size=(n, n_columns)), rng.normal(size=n)
    found = RidgeFit.of(inputs, targets, np.array([3.0]))
    # Without a row the scaling of the columns stays as it is.
    scaled = found.scaling(inputs)
    for row in range(n):
        rest = np.arange(n) != row
        center, mean = scaled[rest].mean(0), targets[rest].mean()
        known = scaled[rest] - center
        gram = known.T @ known + 3 * np.eye(n_columns)
        solved = np.linalg.solve(gram, known.T @ (targets[rest] - mean))
        expected = targets[row] - mean - (scaled[row] - center) @ solved
        assert found.left_out[row] == pytest.approx(expected, rel=1e-8)


def test_ridge_takes_the_penalty_of_least_leave_one_out_error(rng):
    inputs = rng.normal(size=(40, 15))
    targets = inputs[:, 0] + rng.normal(size=40)
    found = RidgeFit.of(inputs, targets)
    alone = [RidgeFit.of(inputs, targets, PENALTIES[[k]]) for k in range(len(PENALTIES))]
    errors = [(each.left_out**2).mean() for each in alone]
    assert found.penalty == PENALTIES[int(np.argmin(errors))]
    assert 0 < np.argmin(errors) < len(PENALTIES) - 1


def test_uncertainty_of_ridge_is_that_of_its_gaussian_prior(rng):
    inputs, targets, others = rng.normal(size=(9, 14)), rng.normal(size=9), rng.normal(size=(5, 14))
    found = RidgeFit.of(inputs, targets, np.array([2.0]))
    known, asked = found.scaling(inputs), found.scaling(others)
    reach = np.linalg.inv(known.T @ known + 2 * np.eye(14))
    noise = (found.left_out**2 * (1 - found.hat)).mean()
    expected = noise * (1 + 1 / 9 + np.einsum("ij,jk,ik->i", asked, reach, asked))
    assert found.std(others) ** 2 == pytest.approx(expected, rel=1e-8)


def test_a_ridge_of_many_penalties_costs_little_more_than_one(rng):
    inputs, targets = rng.normal(size=(100, 120)), rng.normal(size=100)

    def cpu_s(penalties):
        began = time.process_time()
        for _ in range(20):
            RidgeFit.of(inputs, targets, penalties)
        return time.process_time() - began

    with one_thread():
        cpu_s(PENALTIES)
        assert cpu_s(PENALTIES) < 10 * cpu_s(PENALTIES[:1])


# --- radial basis functions -------------------------------------------------------------------


def test_a_radial_basis_function_without_smoothing_meets_its_targets(rng):
    inputs, others = rng.random((60, 3)), rng.random((200, 3))

    def true(columns):
        return np.sin(5 * columns[:, 0]) + columns[:, 1]

    found = RbfFit.of(inputs, true(inputs))
    assert found(inputs) == pytest.approx(true(inputs), abs=0.01)
    assert error(found(others), true(others)) < 0.1 * true(others).std()


def test_leave_one_out_errors_of_a_radial_basis_function_are_exact(rng, monkeypatch):
    monkeypatch.setattr("search.predictors.rbf._SMOOTHINGS", np.array([0.3]))
    inputs, targets = rng.random((30, 4)), rng.normal(size=30)
    found = RbfFit.of(inputs, targets)
    missed = []
    for row in range(30):
        rest = np.delete(np.arange(30), row)
        matrix = system(inputs)
        weights = np.linalg.solve(matrix[np.ix_(rest, rest)] + 0.3 * np.eye(29), targets[rest])
        missed.append(targets[row] - matrix[row, rest] @ weights)
    assert found.error == pytest.approx(np.sqrt(np.square(missed).mean()), rel=1e-6)


def functions(n=60, k=50):
    genes, values = made_up(OFA, n, noise=0.1)
    inputs, targets = ordinal(OFA, genes), (values - values.mean()) / values.std()
    drawn = ensemble.Functions.of(inputs, targets, 0.6, k, np.random.default_rng(0))
    return drawn, inputs, targets


def one_alone(drawn, k, inputs, targets, others):
    """The k-th function by its own system, in double precision."""
    rows, columns = drawn.rows[k], drawn.columns[k]
    centers = inputs[np.ix_(rows, columns)]
    matrix = cubes(centers, centers) + 1e3 * (1 + centers @ centers.T)
    weights = np.linalg.solve(matrix + 0.1 * np.eye(len(rows)), targets[rows])
    asked = others[:, columns]
    return (cubes(asked, centers) + 1e3 * (1 + asked @ centers.T)) @ weights


def test_functions_solved_together_are_those_solved_alone():
    drawn, inputs, targets = functions()
    others = ordinal(OFA, made_up(OFA, 200, seed=1)[0])
    together = drawn(others)
    for k in (0, 17, 49):
        assert together[k] == pytest.approx(
            one_alone(drawn, k, inputs, targets, others), abs=2e-3 * targets.std()
        )


def test_functions_differ_in_rows_and_columns():
    drawn, inputs, _ = functions()
    assert drawn.rows.shape == (50, 48)
    assert drawn.columns.shape == (50, round(0.6 * inputs.shape[1]))
    for subsets in (drawn.rows, drawn.columns):
        assert all(len(set(row)) == len(row) for row in subsets.tolist())
        assert len({tuple(row) for row in subsets.tolist()}) == 50


def test_unseen_errors_are_of_functions_that_are_not_of_the_row():
    drawn, inputs, targets = functions()
    missed, spread = drawn.unseen(inputs, targets)
    found = drawn(inputs)
    for row in range(len(targets)):
        others = found[(drawn.rows != row).all(1), row]
        assert 0 < len(others) < 50
        assert missed[row] == pytest.approx(others.mean() - targets[row], abs=1e-9)
        assert spread[row] == pytest.approx(others.std(), abs=1e-9)
    assert error(missed, 0) > error(found.mean(0), targets)


def test_functions_solved_together_take_less_time_than_scipys_one_after_the_other():
    from scipy.interpolate import RBFInterpolator

    drawn, inputs, targets = functions(n=100, k=200)

    def cpu_s(function):
        began = time.process_time()
        function()
        return time.process_time() - began

    def one_after_the_other():
        for rows, columns in zip(drawn.rows, drawn.columns, strict=True):
            known = inputs[np.ix_(rows, columns)]
            RBFInterpolator(known, targets[rows], kernel="cubic", smoothing=0.1)(inputs[:, columns])

    def together():
        rng = np.random.default_rng(0)
        ensemble.Functions.of(inputs, targets, 0.6, 200, rng)(inputs)

    with one_thread():
        together()
        assert cpu_s(together) < cpu_s(one_after_the_other)


# --- Gaussian process, cross-validated choice -------------------------------------------------


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("n", "seed"), [(5, 75), (8, 644), (8, 994)])
def test_a_search_for_hyperparameters_that_runs_off_comes_back(n, seed):
    """Of so few rows the likelihood is flat, and steps are tried at which weights overflow."""
    genes, only_one = OFA.sample(n, np.random.default_rng(seed)), (np.arange(n) == 0).astype(float)
    predictor = GaussianPredictor(OFA).fit(genes, only_one)
    predicted = predictor.predict(genes)
    assert np.isfinite(predicted).all()
    assert predicted.argmax() == 0
    assert np.isfinite(predictor.std(genes)).all()


def test_the_choice_is_the_candidate_of_least_cross_validated_error():
    genes, values = made_up(OFA, 60, noise=0.1)
    chosen = AutoPredictor(OFA, seed=2).fit(genes, values)
    assert set(chosen.scores) == set(AutoPredictor.candidates)
    assert chosen.scores[chosen.chosen] == min(chosen.scores.values())

    def learn(rows, known):
        return make_predictor("ridge", OFA, 2).fit(rows, known).predict

    expected = error(out_of_fold(learn, genes, values, 2), values)
    assert chosen.scores["ridge"] == pytest.approx(expected, rel=1e-6)
    alone = make_predictor(chosen.chosen, OFA, 2).fit(genes, values)
    assert chosen.predict(genes) == pytest.approx(alone.predict(genes), rel=1e-6)
    assert AutoPredictor(OFA).fit(genes, np.ones(60)).chosen == ""


# --- real data --------------------------------------------------------------------------------


def spearman(name, data, size, seed):
    order = np.random.default_rng(seed).permutation(len(data))
    known, others = order[:size], order[size:]
    predictor = make_predictor(name, data.space).fit(data.genes[known], data.top1[known])
    return spearmanr(predictor.predict(data.genes[others]), data.top1[others]).statistic


@pytest.mark.parametrize(
    ("name", "least"), [("gp", 0.985), ("rbf-ensemble", 0.985), ("svr", 0.98), ("auto", 0.98)]
)
def test_imagenet_accuracy_is_ranked_from_100_networks(name, least):
    data = read_measurements(PUBLISHED / "ofa_mbv3_w10_top1.csv.gz")
    found = [spearman(name, data, 100, seed) for seed in range(5)]
    assert np.median(found) >= least
