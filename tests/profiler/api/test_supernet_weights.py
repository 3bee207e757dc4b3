"""Model files with weights of a supernet: exported, measured, recalibrated, calibrated."""

from __future__ import annotations

import json

import numpy as np
import pytest
from console import accepted, console, refused
from small_supernets import trained_supernet, write_trained_supernet

from nasprof.errors import UsageError
from profiler import LoweringOptions, evaluate, export
from profiler.cli import main
from spaces import get_space
from supernets import Evaluator, SupernetWeights

nasprof = console(main)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a supernet, and an architecture of its space."""
    return write_trained_supernet(tmp_path_factory.mktemp("home"))


def accuracy_of(paths, normalisation=True):
    _, card, data = trained_supernet()
    known = card.normalisation if normalisation else None
    results = evaluate(paths, data.test, data.test.labels, normalisation=known)
    return [result.accuracy.top1 for result in results]


def test_files_have_the_supernet_s_weights_and_batch_norm_of_their_own(home, tmp_path, caplog):
    supernet, card, data = trained_supernet()
    evaluator = Evaluator(supernet, card, data)
    weights = SupernetWeights(home / "s.safetensors", data)
    lowering = LoweringOptions("int8", supernet=weights)
    (fp32,) = export(
        home / "small.json", output=tmp_path, lowering=LoweringOptions(supernet=weights)
    )
    (int8,) = export(home / "small.json", "tflite", output=tmp_path, lowering=lowering)
    assert not caplog.records  # neither batch norm nor int8 is doubtful
    expected = evaluator.evaluate(supernet.smallest).accuracy.top1
    exact, coarse = accuracy_of([fp32.path, int8.path])
    assert exact == pytest.approx(expected)
    assert abs(coarse - expected) < 4
    arrays = weights.arrays(supernet.space, supernet.smallest)
    own = evaluator.recalibrated(supernet.smallest).arrays()
    assert all(np.array_equal(arrays[name], array) for name, array in own.items())
    evaluation = weights.evaluate(supernet.space, supernet.smallest)
    assert evaluation.accuracy.top1 == pytest.approx(expected)


def test_without_images_the_statistics_are_the_supernet_s_and_that_is_told(home, tmp_path):
    supernet = trained_supernet()[0]
    given = ("--supernet", home / "s.safetensors", "--arch", home / "small.json")
    result = nasprof("export", *given, "-o", tmp_path, "--json")
    assert "until it is recalibrated on images (--data)" in result.stderr
    assert "random weights" not in result.stderr
    (file,) = accepted(result)
    weights = SupernetWeights(home / "s.safetensors")
    own = supernet.subnet(supernet.smallest).arrays()
    arrays = weights.arrays(supernet.space, supernet.smallest)
    assert all(np.array_equal(arrays[name], array) for name, array in own.items())
    assert weights.evaluate(supernet.space, supernet.smallest) is None
    assert file["path"] == str(tmp_path / "small.onnx")


def test_pixels_are_normalised_as_the_supernet_s_images_were(home, tmp_path):
    card = trained_supernet()[1]
    given = ("--supernet", home / "s.safetensors", "--data", "digits", "--uint8-input")
    (file,) = accepted(
        nasprof("export", *given, "--arch", home / "small.json", "-o", tmp_path, "--json")
    )
    assert file["pixels"] == card.normalisation.to_dict()
    assert accuracy_of([file["path"]], normalisation=False)[0] > 60


def test_a_measurement_says_whose_weights_its_model_had(home):
    given = ("--supernet", home / "s.safetensors", "--data", "digits", "--arch")
    quick = ("--protocol", "quick:rounds=2,runs=1", "--json")
    (measured,) = accepted(nasprof("measure", *given, home / "small.json", *quick))
    assert measured["model"]["weights"] == str(home / "s.safetensors")


def test_weights_that_do_not_fit_are_refused(home, tmp_path):
    supernet = home / "s.safetensors"
    (tmp_path / "other.json").write_text(
        json.dumps(get_space("ofa-mbv3").decode(np.zeros((1, 45), np.int8))[0])
    )
    own, other = ("--arch", home / "small.json"), ("--arch", tmp_path / "other.json")
    assert "--supernet" in refused(nasprof("export", *own, "--data", "digits", "-o", tmp_path))
    message = refused(nasprof("export", *other, "--supernet", supernet, "-o", tmp_path))
    assert "the supernet is of ofa-mbv3" in message
    both = ("--supernet", supernet, "--weights", supernet)
    assert "Give one of them" in refused(nasprof("export", *own, *both, "-o", tmp_path))
    given = ("--supernet", supernet, "--model", tmp_path / "x.onnx")
    assert "there is none" in refused(nasprof("measure", *given))
    with pytest.raises(UsageError, match=r"gone\.safetensors"):
        SupernetWeights(tmp_path / "gone.safetensors").check(trained_supernet()[0].space)
