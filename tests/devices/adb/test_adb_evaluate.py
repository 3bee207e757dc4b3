"""The accuracy of model files on a device behind a real debug daemon."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import peers
import pytest

import profiler
from devices import RunnerRefused
from nasprof.normalisation import Normalisation
from profiler.lowering import FileOptions, formats, lower
from spaces.nasbench201 import NasBench201Space
from spaces.weights import random_weights

pytestmark = pytest.mark.adbd

DOUBLE = Path(__file__).parents[2] / "support" / "adbd" / "benchmark_model_double.sh"
SPACE = NasBench201Space(resolution=8, cells=1, channels=8, classes=10)
NETWORK = SPACE.network(np.array([3, 0, 2, 0, 0, 1], np.int8))
WEIGHTS = random_weights(NETWORK, np.random.default_rng(0))
IMAGES = np.random.default_rng(0).integers(256, size=(40, 8, 8, 3), dtype=np.uint8)
LABELS = np.arange(40) % 10


@pytest.fixture(scope="module")
def phone(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch, peers.running_phone() as phone:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        yield phone


@pytest.mark.parametrize("name", ["onnx", "tflite"])
def test_a_board_says_what_this_machine_says(phone, tmp_path, name):
    path = tmp_path / f"net{formats.get(name).suffix}"
    options = FileOptions("int8", 3, IMAGES, pixels=Normalisation((0.5,), (0.3,)))
    lower(NETWORK, WEIGHTS, path, name, options)
    target = profiler.Target(
        "android",
        runtime=formats.get(name).runtime,
        serial=phone.serial,
        options={"runner": "json"},
    )
    (there,) = profiler.evaluate(path, IMAGES, LABELS, target)
    (here,) = profiler.evaluate(path, IMAGES, LABELS)
    assert there.accuracy == here.accuracy
    assert there.device == f"android/{phone.serial}"
    assert (there.runtime, there.runtime_version) == (here.runtime, here.runtime_version)
    phone.wait_until_clean()


def test_a_phone_with_benchmark_model_alone_says_that_it_returns_no_outputs(phone, tmp_path):
    path = tmp_path / "net.tflite"
    lower(NETWORK, WEIGHTS, path, "tflite", FileOptions(pixels=Normalisation((0.5,), (0.3,))))
    with path.open("ab") as stream:
        stream.write(b"\nus=1000\n")
    target = profiler.Target(
        "android",
        runtime="litert",
        serial=phone.serial,
        options={"benchmark_model": str(DOUBLE), "cool_limit_s": 0},
    )
    with pytest.raises(RunnerRefused, match="does not return outputs") as caught:
        profiler.evaluate(path, IMAGES, LABELS, target)
    assert 'runner = "json"' in str(caught.value)
    phone.wait_until_clean()
