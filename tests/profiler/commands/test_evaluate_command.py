"""``nasprof evaluate``: the accuracy of model files on a data set."""

from __future__ import annotations

import numpy as np
import pytest
from console import accepted, console, refused

import profiler
from nasprof.normalisation import Normalisation
from profiler.cli import main
from profiler.lowering import FileOptions, formats, lower
from profiler.model_files.backends import backend_of
from profiler.model_files.logits import image_shape
from spaces.nasbench201 import NasBench201Space
from spaces.weights import random_weights
from supernets.data import read_data

NORMALISATION = Normalisation((0.4,), (0.3,))
invoke = console(main)


def written(folder, name, resolution=8, **options):
    space = NasBench201Space(resolution=resolution, cells=1, channels=8, classes=3)
    network = space.network(np.array([3, 0, 2, 0, 0, 1], np.int8))
    weights = random_weights(network, np.random.default_rng(0))
    path = folder / f"net{resolution}{len(options)}{formats.get(name).suffix}"
    lower(network, weights, path, name, FileOptions(**options))
    return path


@pytest.fixture
def data(tmp_path):
    rng = np.random.default_rng(0)
    sets = {}
    for split, n in (("train", 30), ("test", 40)):
        sets[f"{split}_images"] = rng.integers(256, size=(n, 8, 8, 3), dtype=np.uint8)
        sets[f"{split}_labels"] = np.arange(n) % 3
    np.savez(tmp_path / "data.npz", **sets)
    return tmp_path / "data.npz"


def test_the_command_says_what_the_call_says(tmp_path, data):
    paths = [written(tmp_path, name, pixels=NORMALISATION) for name in ("onnx", "tflite")]
    test = read_data(data, (8, 8, 3)).test
    args = ("evaluate", "--model", *paths, "--data", data)
    expected = profiler.evaluate(paths, test, test.labels).to_dict()
    assert accepted(invoke(*args, "--json")) == expected
    assert expected[0]["n"] == 40
    table = invoke(*args)
    assert table.exit_code == 0 and f"{expected[0]['top1']:.2f}" in table.stdout
    plain = written(tmp_path, "onnx")
    numbers = ("--mean", "0.4", "--std", "0.3")
    (again,) = accepted(invoke("evaluate", "--model", plain, "--data", data, *numbers, "--json"))
    assert again["by_class"] == expected[0]["by_class"]
    (other,) = accepted(
        invoke("evaluate", "--model", paths[0], "--data", data, "--split", "train", "--json")
    )
    assert other["n"] < 40 and other["sha256"] == expected[0]["sha256"]


def test_what_makes_no_sense_is_refused(tmp_path, data):
    plain, larger = written(tmp_path, "onnx"), written(tmp_path, "onnx", 16)
    evaluate = ("evaluate", "--data", data, "--model")
    assert "--mean and --std" in refused(invoke(*evaluate, plain))
    assert "belong together" in refused(invoke(*evaluate, plain, "--mean", "0.5"))
    assert "different shapes" in refused(invoke(*evaluate, plain, larger))
    assert "no split" in refused(invoke(*evaluate, plain, "--split", "other"))
    assert "does not exist" in refused(invoke(*evaluate, tmp_path / "none.onnx"))


@pytest.mark.parametrize("name", ["onnx", "tflite", "torch"])
def test_the_shape_of_images_is_read_in_the_file(tmp_path, name):
    path = written(tmp_path, name, pixels=NORMALISATION)
    assert image_shape(path, backend_of(profiler.Target(), [path])) == (8, 8, 3)
