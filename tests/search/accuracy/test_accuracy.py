"""The behaviour every accuracy model has, and how well those fitted to measurements predict."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from data_files import PUBLISHED, rows
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from luts import SpaceMismatch
from nasprof.errors import UsageError
from search.accuracy import (
    AccuracyModelInvalid,
    CannotRank,
    accuracy_files,
    accuracy_models,
    read_accuracy_model,
)
from search.accuracy.card import model_card
from search.accuracy.files import write_accuracy_model
from search.accuracy.fit import fit_measurements
from search.accuracy.kernel_fit import fit_kernel, most_likely
from search.accuracy.measurements import MeasuredAccuracy, read_measurements
from search.accuracy.mlp import SHAPES, OfaMlp
from search.accuracy.ridge import ridge_of
from search.accuracy.validation import needed_caution, needed_networks, score
from search.model_arrays import ModelArrays, parse_arrays, read_arrays
from search.regression.gaussian import _Evidence
from search.regression.gene_encodings import column_groups
from search.tasks.accuracy import TaskAccuracy
from spaces import get_space

OFA, CELLS = get_space("ofa-mbv3"), get_space("nasbench201")


def made_up_top1(space, genes, rng, noise=0.02):
    """Accuracy that saturates with MACs, gains by genes acting together, and has noise."""
    relative = space.macs(genes) / space.macs(np.full((1, space.n_genes), 2, np.int8))
    together = (genes[:, 1] == 2) & (genes[:, 3] == 2)
    return 60 + 15 * relative**0.3 + together + rng.normal(0, noise, len(genes))


def measured(space, n, seed=0, noise=0.02):
    """Distinct networks of all sizes."""
    rng = np.random.default_rng(seed)
    genes = rng.permutation(np.unique(space.sample(2 * n, rng, "biased"), axis=0))[:n]
    return MeasuredAccuracy.of(space, genes, made_up_top1(space, genes, rng, noise))


PROVENANCE = {
    "networks": 80,
    "left_out": 3,
    "cross_validation": {"n": 80, "spearman": 0.9, "mae": 0.1},
}


def kernel_model(form, space=OFA, n=80):
    measurements = measured(space, n)
    process = most_likely(measurements, form, seed=0)
    return fit_kernel(measurements, process, form, 1.0, PROVENANCE)


def random_mlp(seed=0):
    rng = np.random.default_rng(seed)
    arrays = {name: rng.normal(0, 0.05, shape) for name, shape in SHAPES.items()}
    return OfaMlp.of({name: array.astype(np.float32) for name, array in arrays.items()}, "random")


@cache
def fitted():
    return fit_measurements(measured(OFA, 60), "fitted", "made up")


def of_images():
    table = np.random.default_rng(0).uniform(20, 90, CELLS.size)
    provenance = {"images": "photos", "spearman": 0.6}
    return TaskAccuracy("photos", (CELLS,), table, 9.0, provenance)


@cache
def cells_model():
    return kernel_model("rbf", CELLS, 150)


MODELS = {
    "fitted": fitted,
    "pairs": lambda: kernel_model("pairs"),
    "rbf": lambda: kernel_model("rbf"),
    "cells": cells_model,
    "ridge": lambda: ridge_of(fitted(), OFA, np.random.default_rng(0), 400),
    "ridge-cells": lambda: ridge_of(cells_model(), CELLS, np.random.default_rng(0), 400),
    "mlp": random_mlp,
    "task": of_images,
    "imagenet": lambda: read_accuracy_model("imagenet"),
}

every_model = pytest.mark.parametrize("name", list(MODELS))


class Made(dict):
    """Models by name, made when they are asked for."""

    def __missing__(self, name):
        self[name] = MODELS[name]()
        return self[name]


@pytest.fixture(scope="module")
def models():
    return Made()


# --- every model ------------------------------------------------------------------------------


def test_every_kind_is_tested(models):
    assert {models[name].kind for name in MODELS} == set(accuracy_models)


@every_model
def test_predictions_are_finite_numbers_one_a_network(models, name, rng):
    model = models[name]
    for space in model.spaces:
        genes = space.sample(70, rng, "biased")
        top1, std = model.top1(genes, space), model.std(genes, space)
        assert (top1.shape, top1.dtype) == ((70,), np.float64)
        assert np.isfinite(top1).all()
        assert top1.std() > 0
        assert std is None or (std.shape == (70,) and (std > 0).all())
        assert model.top1(genes[:0], space).shape == (0,)


@every_model
def test_predictions_depend_on_the_network_only(models, name, rng):
    model = models[name]
    space = model.spaces[0]
    genes = rng.integers(0, space.n_choices, (5000, space.n_genes), np.int8)
    top1 = model.top1(genes, space)
    assert (model.top1(genes, space) == top1).all()
    assert model.top1(space.canonical(genes), space) == pytest.approx(top1, abs=1e-9)
    assert model.top1(genes[-7:], space) == pytest.approx(top1[-7:], abs=1e-3)
    std = model.std(genes[-7:], space)
    assert std is None or std == pytest.approx(model.std(genes, space)[-7:], rel=1e-3)


@every_model
def test_a_file_gives_the_same_model_exactly(models, name, rng, tmp_path):
    model = models[name]
    write_accuracy_model(model, tmp_path / "again.npz")
    again = read_accuracy_model(tmp_path / "again.npz")
    assert (again.kind, again.name, again.spaces) == (model.kind, "again", model.spaces)
    for space in model.spaces:
        genes = space.sample(200, rng, "biased")
        assert (again.top1(genes, space) == model.top1(genes, space)).all()
        std = model.std(genes, space)
        assert (
            (std is None)
            if again.std(genes, space) is None
            else ((std == again.std(genes, space)).all())
        )
    assert again.doubts == model.doubts
    write_accuracy_model(again, tmp_path / "third.npz")
    assert (tmp_path / "third.npz").read_bytes() == (tmp_path / "again.npz").read_bytes()


@every_model
def test_networks_of_another_space_are_refused(models, name, rng):
    model = models[name]
    for other in (get_space("ofa-mbv3", resolution=196), get_space("nasbench201", classes=7)):
        with pytest.raises(SpaceMismatch, match=r"not of .*(196|classes=7)"):
            model.top1(other.sample(2, rng), other)
    space = model.spaces[0]
    for genes in (np.zeros((2, space.n_genes + 1), np.int8), np.full((1, space.n_genes), 9)):
        with pytest.raises(UsageError, match="genes"):
            model.top1(genes, space)


@every_model
def test_what_is_called_additive_is(models, name, rng):
    """Whatever a group of genes adds, it adds to any network."""
    model = models[name]
    space = model.spaces[0]
    differences = []
    for place, values in space.parts:
        first, second = space.sample(2, rng)
        chosen, gains = values[rng.permutation(len(values))[:20]], []
        for network in (first, second):
            genes = np.tile(network, (20, 1))
            genes[:, place] = chosen
            top1 = model.top1(genes, space)
            gains.append(top1 - top1[0])
        differences.append(np.abs(gains[0] - gains[1]).max())
    assert max(differences) < 1e-9 or not model.additive
    if name in ("fitted", "pairs", "rbf", "mlp", "imagenet"):
        assert max(differences) > 1e-3, "here groups act together"


@pytest.mark.parametrize("name", ["fitted", "pairs", "rbf", "ridge", "imagenet"])
def test_the_largest_network_beats_the_smallest_by_far(models, name):
    ends = np.stack([np.zeros(45, np.int8), np.full(45, 2, np.int8)])
    low, high = models[name].top1(ends)
    assert 4 < high - low < 25


# --- regression -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["pairs", "rbf", "cells"])
def test_the_mean_and_variance_are_those_of_the_process(models, name, rng):
    """Against the textbook's formulas; few networks leave nothing to approximate."""
    model = models[name]
    space, process = model.space, model.process
    genes = np.concatenate([space.sample(60, rng, "biased"), model.support[:5]])
    new, known = (space.onehot(each).astype(float) for each in (genes, model.support))
    across = process.kernel(new, known)
    top1 = model.center + model.unit * (across @ model.weights)
    assert model.top1(genes) == pytest.approx(top1, abs=2e-4)
    solved = np.linalg.solve(process.covariance(known, model.repeats), across.T)
    variance = np.diag(process.kernel(new, new)) - (across * solved.T).sum(1) + process.noise
    assert model.std(genes) == pytest.approx(model.unit * np.sqrt(variance), rel=0.02)


@pytest.mark.parametrize("form", ["pairs", "rbf"])
@pytest.mark.parametrize("space", [OFA, CELLS], ids=lambda space: space.name)
def test_the_gradient_of_the_likelihood_is_its_slope(form, space, rng):
    inputs = space.onehot(space.sample(30, rng)).astype(float)
    repeats = rng.integers(1, 4, 30)
    evidence = _Evidence(form, inputs, rng.normal(size=30), repeats, column_groups(space))
    logs = evidence.start + rng.normal(0, 0.5, len(evidence.start))
    gradient = evidence(logs)[1]
    for place in range(len(logs)):
        step = np.zeros(len(logs))
        step[place] = 1e-5
        slope = (evidence(logs + step)[0] - evidence(logs - step)[0]) / 2e-5
        assert gradient[place] == pytest.approx(slope, rel=1e-3, abs=1e-4)
    assert evidence.logs(evidence.process(logs)) == pytest.approx(logs)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("form", ["pairs", "rbf"])
@pytest.mark.parametrize("step", [300.0, 800.0, np.nan])
def test_hyperparameters_that_overflow_are_wanted_by_nobody(form, step, rng):
    inputs = CELLS.onehot(CELLS.sample(30, rng)).astype(float)
    groups = column_groups(CELLS)
    evidence = _Evidence(form, inputs, rng.normal(size=30), np.ones(30, int), groups)
    for place in range(len(evidence.start)):
        logs = evidence.start.copy()
        logs[place] += step
        value, gradient = evidence(logs)
        assert value > evidence(evidence.start)[0]
        assert np.isfinite(gradient).all()


@pytest.mark.parametrize("form", ["pairs", "rbf"])
def test_left_out_predictions_are_those_of_a_fit_without(form):
    data = measured(OFA, 40)
    process = most_likely(data, form, seed=0)
    inputs, targets = OFA.onehot(data.genes).astype(float), data.top1 - data.top1.mean()
    left_out = process.left_out(inputs, targets, data.repeats)
    rest = np.arange(len(data)) != 11
    weights = process.weights(inputs[rest], targets[rest], data.repeats[rest])
    alone = process.kernel(inputs[11:12], inputs[rest]) @ weights
    assert left_out[11] == pytest.approx(alone[0], abs=1e-8)


def test_uncertainty_grows_away_from_the_measured_networks(rng):
    """Only variants of one network, in a few genes each, were measured."""

    def variants(n):
        swapped = rng.random((n, 45)) < 0.1
        return OFA.canonical(np.where(swapped, OFA.sample(n, rng), np.int8(1)))

    genes = variants(150)
    data = MeasuredAccuracy.of(OFA, genes, made_up_top1(OFA, genes, rng))
    for form in ("pairs", "rbf"):
        model = fit_kernel(data, most_likely(data, form, seed=0))
        near, far = model.std(variants(200)), model.std(OFA.sample(200, rng))
        assert far.mean() > 1.3 * near.mean()


def test_beyond_the_measured_networks_the_trend_goes_on(rng):
    """Fitted to the smaller half, it still ranks the larger one and does not run away."""
    genes = OFA.sample(400, rng, "biased")
    top1 = made_up_top1(OFA, genes, rng)
    small = OFA.macs(genes) < np.median(OFA.macs(genes))
    data = MeasuredAccuracy.of(OFA, genes[small], top1[small])
    for form in ("pairs", "rbf"):
        model = fit_kernel(data, most_likely(data, form, seed=0))
        predicted = model.top1(genes[~small])
        assert np.corrcoef(predicted, top1[~small])[0, 1] > 0.8
        assert np.abs(predicted - top1[~small]).max() < 6


def test_the_intervals_cover_what_they_should():
    """On average over fits; any one may be off by the luck of its networks."""
    covered = []
    for seed in range(4):
        model = fit_measurements(measured(OFA, 80, seed), "m", "made up")
        genes = OFA.sample(500, np.random.default_rng(90 + seed), "biased")
        top1 = made_up_top1(OFA, genes, np.random.default_rng(10))
        covered.append(score(model.top1(genes), model.std(genes), top1).covered)
    assert 0.92 <= np.mean(covered) <= 0.995


def test_caution_is_that_of_the_ratio_few_networks_exceed(rng):
    ratios = np.abs(rng.normal(0, 2, 20000))
    assert needed_caution(ratios) == pytest.approx(2, rel=0.03)
    assert needed_caution(ratios[:40]) == pytest.approx(ratios[:40].max() / 1.96)


def test_a_fit_is_the_same_each_time(models, rng):
    again = fit_measurements(measured(OFA, 60), "fitted", "made up")
    genes = OFA.sample(50, rng)
    assert (again.top1(genes) == models["fitted"].top1(genes)).all()
    assert again.provenance == models["fitted"].provenance


def test_repeated_networks_are_averaged_and_tell_the_noise(rng):
    genes = OFA.sample(300, rng)
    top1 = made_up_top1(OFA, genes, rng, noise=0)
    noisy = [top1 + rng.normal(0, 0.1, 300) for _ in range(3)]
    data = MeasuredAccuracy.of(OFA, np.tile(genes, (3, 1)), np.concatenate(noisy))
    assert len(data) == 300
    assert (data.repeats == 3).all()
    assert data.noise == pytest.approx(0.1, rel=0.15)
    assert np.sort(data.top1) == pytest.approx(np.sort(np.mean(noisy, 0)))
    assert measured(OFA, 30).noise is None


# --- what cannot rank -------------------------------------------------------------------------


def test_too_few_networks_are_refused_with_their_number():
    with pytest.raises(CannotRank, match=r"19 distinct networks .* at least 20"):
        fit_measurements(measured(OFA, 19), "few", "made up")


def test_noise_is_refused_with_what_was_reached(rng):
    genes = OFA.sample(60, rng)
    data = MeasuredAccuracy.of(OFA, genes, rng.normal(70, 3, 60))
    with pytest.raises(CannotRank, match=r"60 networks .* Spearman -?\d\.\d\d, .* 0\.8"):
        fit_measurements(data, "noise", "made up")
    with pytest.raises(CannotRank, match="all 60 networks"):
        fit_measurements(replace(data, top1=np.full(60, 70.0)), "flat", "made up")


def test_how_many_networks_are_needed_follows_the_power_law():
    sizes = [50, 100, 200]
    missing = 4 * np.array(sizes) ** -0.5
    assert needed_networks(sizes, list(1 - missing)) == pytest.approx(400, abs=1)
    assert needed_networks(sizes, [0.2, 0.1, 0.0]) is None
    assert needed_networks(sizes, [0.1, 0.1001, 0.1002]) is None


# --- files ------------------------------------------------------------------------------------

arrays = hnp.arrays(
    st.sampled_from([np.int8, np.int64, np.float32, np.float64]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5),
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner),
    max_leaves=6,
)
keep_fixtures = settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@keep_fixtures
@given(held=st.dictionaries(st.sampled_from(["x", "long_name", "0"]), arrays), value=values)
def test_archives_come_back_as_written(held, value, tmp_path):
    path = tmp_path / "a.npz"
    ModelArrays({"kind": "any", "value": value}, held).write(path)
    found = parse_arrays(read_arrays(path))
    assert found.about["value"] == value
    assert set(found.arrays) == set(held)
    for name, array in held.items():
        np.testing.assert_array_equal(found.arrays[name], array)
        assert found.arrays[name].dtype == array.dtype


@pytest.fixture(scope="module")
def stored(models, tmp_path_factory: pytest.TempPathFactory):
    path = tmp_path_factory.mktemp("stored") / "model.npz"
    write_accuracy_model(models["pairs"], path)
    return path.read_bytes()


@keep_fixtures
@given(share=st.floats(0, 0.9999))
def test_truncated_files_are_refused(stored, share, tmp_path):
    path = tmp_path / "cut.npz"
    path.write_bytes(stored[: int(share * len(stored))])
    with pytest.raises(AccuracyModelInvalid, match=r"cut\.npz"):
        read_accuracy_model(path)


@keep_fixtures
@given(share=st.floats(0, 0.9999), flip=st.integers(1, 255))
def test_a_changed_byte_is_found_or_changes_nothing(stored, models, share, flip, tmp_path):
    data = bytearray(stored)
    data[int(share * len(data))] ^= flip
    path = tmp_path / "flipped.npz"
    path.write_bytes(data)
    try:
        found = read_accuracy_model(path)
    except AccuracyModelInvalid:
        return
    genes = OFA.sample(50, np.random.default_rng(0))
    assert (found.top1(genes) == models["pairs"].top1(genes)).all()


@pytest.mark.parametrize(
    ("about", "changed", "message"),
    [
        ({"schema": 9}, {}, "'schema' is 9"),
        ({"kind": "oracle"}, {}, "oracle"),
        ({"kind": 3}, {}, "'kind' is 3"),
        ({"spaces": []}, {}, "'spaces' is empty"),
        ({"spaces": [OFA.settings, CELLS.settings]}, {}, "2 entries, expected 1"),
        ({"spaces": [{"space": "moon"}]}, {}, "moon"),
        ({"spaces": [{"space": "nasbench201"}]}, {}, "'support'"),
        ({"form": "cubic"}, {}, "'form' is 'cubic'"),
        ({"noise": 0}, {}, "'noise' is 0"),
        ({"unit": -1.0}, {}, "'unit' is -1"),
        ({"provenance": 5}, {}, "'provenance' is 5"),
        ({"provenance": {}}, {}, "'networks' is missing"),
        ({}, {"weights": np.zeros(3)}, "'weights' is float64 of shape"),
        ({}, {"weights": np.full(80, np.nan)}, "'weights' has values that are not finite"),
        ({}, {"joint": np.full(135, -1.0)}, "'joint'.* not above 0"),
        ({}, {"repeats": np.zeros(80, np.int64)}, "'repeats'.* not above 0"),
        ({}, {"support": np.full((80, 45), 7, np.int8)}, r"genes\[0\]\[0\] is 7"),
        ({}, {"support": None}, "'support' is missing"),
    ],
)
def test_wrong_contents_are_named_even_where_the_digest_fits(
    models, about, changed, message, tmp_path
):
    whole = models["pairs"].as_arrays()
    held = {**whole.arrays, **changed}
    held = {name: array for name, array in held.items() if array is not None}
    path = tmp_path / "wrong.npz"
    ModelArrays({**whole.about, **about}, held).write(path)
    with pytest.raises(AccuracyModelInvalid, match=rf"wrong\.npz.*{message}"):
        read_accuracy_model(path)


def test_what_is_no_model_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("NASPROF_DATA", str(tmp_path / "data"))
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    with pytest.raises(AccuracyModelInvalid, match=r"other\.npz.*not written by nassearch fit"):
        read_accuracy_model(tmp_path / "other.npz")
    np.savez(tmp_path / "pickled.npz", about=np.array([{"a": 1}], object))
    with pytest.raises(AccuracyModelInvalid, match=r"pickled\.npz"):
        read_accuracy_model(tmp_path / "pickled.npz")
    np.save(tmp_path / "single.npy", np.zeros(3))
    (tmp_path / "single.npy").rename(tmp_path / "single.npz")
    with pytest.raises(AccuracyModelInvalid, match=r"single\.npz"):
        read_accuracy_model(tmp_path / "single.npz")
    with pytest.raises(UsageError, match="cannot read"):
        read_accuracy_model(tmp_path / "none.npz")
    with pytest.raises(UsageError, match="'imagnet'") as error:
        read_accuracy_model("imagnet")
    assert "imagenet" in error.value.remedy


def test_ones_own_models_are_known_by_name_and_win(models, tmp_path, monkeypatch):
    monkeypatch.setenv("NASPROF_DATA", str(tmp_path))
    assert set(accuracy_files.known()) == {"imagenet"}
    for name in ("mine", "imagenet"):
        write_accuracy_model(models["cells"], tmp_path / "accuracy" / f"{name}.npz")
    assert set(accuracy_files.known()) == {"imagenet", "mine"}
    assert read_accuracy_model("imagenet").spaces == (CELLS,)


# --- OFA's predictor --------------------------------------------------------------------------


def torch_network(arrays):
    import torch

    layers = [torch.nn.Linear(128, 400), torch.nn.Linear(400, 400), torch.nn.Linear(400, 400)]
    relu = [part for layer in layers for part in (layer, torch.nn.ReLU())]
    network = torch.nn.Sequential(*relu, torch.nn.Linear(400, 1))
    state = {name.replace("_", "."): torch.from_numpy(array) for name, array in arrays.items()}
    network.load_state_dict(state)
    return network


def published_inputs(space, genes):
    """The predictor's 128 inputs, written down from its description alone."""
    inputs = np.zeros((len(genes), 128), np.float32)
    for row, arch in zip(inputs, space.to_ofa(genes), strict=True):
        for position, (ks, e) in enumerate(zip(arch["ks"], arch["e"], strict=True)):
            if position % 4 < arch["d"][position // 4]:
                row[3 * position + (3, 5, 7).index(ks)] = 1
                row[60 + 3 * position + (3, 4, 6).index(e)] = 1
        row[120 + (arch["r"][0] - 112) // 16] = 1
    return inputs


def test_ofas_predictor_computes_what_its_network_does(models, rng, tmp_path):
    torch = pytest.importorskip("torch")
    model = models["mlp"]
    network = torch_network(model.weights)
    torch.save(network.state_dict(), tmp_path / "acc.pth")
    again = read_accuracy_model(tmp_path / "acc.pth")
    for space in model.spaces:
        genes = space.sample(50, rng, "biased")
        with torch.no_grad():
            expected = network(torch.from_numpy(published_inputs(space, genes)))[:, 0].numpy()
        assert again.top1(genes, space) == pytest.approx(100.0 * expected, abs=1e-4)
    assert again.std(genes, space) is None
    assert "too high" in again.doubts[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"2_weight": None}, "'2_weight' is missing"),
        ({"0_weight": np.zeros((400, 100), np.float32)}, r"'0_weight' is .*\(400, 100\)"),
        ({"6_bias": np.zeros(1)}, "'6_bias' is float64"),
        ({"4_bias": np.full(400, np.inf, np.float32)}, "'4_bias'.*not finite"),
        ({"8_bias": np.zeros(1, np.float32)}, "unknown array '8_bias'"),
    ],
)
def test_other_weights_are_no_predictor_of_ofas(models, change, message, tmp_path):
    held = {**models["mlp"].weights, **change}
    path = tmp_path / "acc.npz"
    np.savez(path, **{name: array for name, array in held.items() if array is not None})
    with pytest.raises(AccuracyModelInvalid, match=message):
        read_accuracy_model(path)


def test_checkpoints_that_run_code_or_are_none_are_refused(tmp_path):
    torch = pytest.importorskip("torch")
    torch.save({"0.weight": print}, tmp_path / "code.pth")
    (tmp_path / "text.pth").write_text("no checkpoint")
    torch.save([1, 2], tmp_path / "list.pth")
    for name in ("code", "text", "list"):
        with pytest.raises(AccuracyModelInvalid, match=rf"{name}\.pth"):
            read_accuracy_model(tmp_path / f"{name}.pth")


# --- published data ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def published():
    return read_measurements(PUBLISHED / "ofa_mbv3_w10_top1.csv.gz")


def test_published_accuracies_are_predicted(published):
    """20 % of 199 networks are held out, in five splits.

    The goals with all 1,850 networks, 0.997 and 0.06, are those of benchmarks/accuracy.py. Of 200
    drawn from them, this is 0.987 and 0.098 on average, with deviations of 0.008 and 0.019 of a
    single split.
    """
    scores = []
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(len(published))
        test, train = np.split(order, [len(order) // 5])
        rest = published.take(train)
        model = fit_kernel(rest, most_likely(rest, "pairs", seed=0))
        genes = published.genes[test]
        scores.append(score(model.top1(genes), model.std(genes), published.top1[test]))
    assert np.median([split.spearman for split in scores]) >= 0.987
    assert np.median([split.mae for split in scores]) <= 0.1
    assert np.mean([split.covered for split in scores]) >= 0.9


def test_the_shipped_model_is_of_these_measurements(models, published):
    model = models["imagenet"]
    assert model.spaces == (published.space,)
    assert model.provenance["networks"] == 1850
    errors = np.abs(model.top1(published.genes) - published.top1)
    assert errors.mean() < model.provenance["cross_validation"]["mae"]


def test_the_shipped_card_is_the_models(models):
    path = accuracy_files.known()["imagenet"]
    assert path.with_suffix(".md").read_text() == model_card(models["imagenet"])


def test_a_search_cannot_talk_the_shipped_model_into_more_than_was_measured(models, rng):
    """Ten random networks climb by single genes; the best measured one had 77.47 %."""
    model = models["imagenet"]
    for network in OFA.sample(10, rng, "biased"):
        best, reached = network, float(model.top1(network[None])[0])
        while True:
            genes = np.repeat(best[None], 135, 0)
            genes[np.arange(135), np.repeat(np.arange(45), 3)] = np.tile(np.arange(3), 45)
            top1 = model.top1(genes)
            if top1.max() <= reached + 1e-9:
                break
            best, reached = OFA.canonical(genes[top1.argmax()][None])[0], float(top1.max())
        assert 77.4 < reached < 77.9


def test_ofas_published_predictor(tmp_path, monkeypatch):
    model = read_accuracy_model(PUBLISHED / "ofa_acc_predictor.npz")
    ends = np.stack([np.zeros(45, np.int8), np.full(45, 2, np.int8)])
    for space in model.spaces:
        low, high = model.top1(ends, space)
        assert 70 < low < low + 4 < high < 90
    torch = pytest.importorskip("torch")
    # As published, it was saved from a GPU.
    monkeypatch.setattr(torch.serialization, "location_tag", lambda storage: "cuda:0")
    torch.save(torch_network(model.weights).state_dict(), tmp_path / "acc.pth")
    assert b"cuda:0" in (tmp_path / "acc.pth").read_bytes()
    again = read_accuracy_model(tmp_path / "acc.pth")
    assert (again.top1(ends, space) == model.top1(ends, space)).all()
    additive = ridge_of(model, space, np.random.default_rng(0), 4000)
    assert additive.provenance["spearman"] > 0.99


def test_published_cells_are_ranked():
    """NAS-Bench-201: genes act together beyond pairs, and some cells learn nothing.

    With 600 known of all 15,625 the correlation is 0.87; with 400 of these 500, as here, 0.81 to
    0.89 depending on which.
    """
    table = rows("nb201_test_acc_200ep.csv.gz")
    genes = CELLS.encode([{"space": "nasbench201", "cell": row["arch"]} for row in table])
    top1 = np.array([float(row["cifar100"]) for row in table])
    order = np.random.default_rng(1).permutation(len(table))
    known, new = order[:400], order[400:]
    model = fit_measurements(MeasuredAccuracy.of(CELLS, genes[known], top1[known]), "cells", "NATS")
    assert model.process.kernel.form == "rbf"
    found = score(model.top1(genes[new]), model.std(genes[new]), top1[new])
    assert found.spearman > 0.8
    assert found.covered >= 0.9
    assert any("Spearman" in doubt for doubt in model.doubts)


# --- what chosen networks have at least ----------------------------------------------------------


def test_a_lower_bound_comes_from_answers_that_were_measured():
    """Predicted 0.3 points too high on average, as a search chooses them."""
    from search.accuracy.answers import LowerBound

    model = read_accuracy_model("imagenet")
    space = model.spaces[0]
    genes = space.sample(60, np.random.default_rng(3), "biased")
    told = model.top1(genes)
    drop = 0.3 + np.random.default_rng(4).normal(0, 0.05, 60)
    answers = MeasuredAccuracy.of(space, genes[:40], (told - drop)[:40])
    bound = LowerBound.of(model, answers, 0.9)
    lower = bound.top1(told[40:])
    assert (lower <= told[40:]).all()
    assert ((told - drop)[40:] >= lower).mean() >= 0.8
    assert lower == pytest.approx(told[40:] - 0.37, abs=0.15)
    right = MeasuredAccuracy.of(space, genes[:40], told[:40] + 1)
    assert (LowerBound.of(model, right, 0.9).top1(told) <= told).all(), "never above the prediction"
    with pytest.raises(UsageError, match="2 measured answers are too few"):
        LowerBound.of(model, answers.take(np.array([0, 1])), 0.9)
