"""Files of raw pixels: ``nasprof export --uint8-input``, and that they are measured."""

from __future__ import annotations

import json

import numpy as np
import pytest
from console import accepted, console, refused

import profiler
from nasprof.normalisation import IMAGENET
from profiler.cli import main
from profiler.lowering import formats
from spaces.nasbench201 import NasBench201Space

SPACE = NasBench201Space(resolution=16, cells=1, channels=8, classes=5)
GENES = np.array([3, 0, 2, 0, 0, 1], np.int8)
IMAGES = np.random.default_rng(0).integers(256, size=(6, 16, 16, 3), dtype=np.uint8)
invoke = console(main)


@pytest.mark.parametrize("name", ["onnx", "tflite"])
def test_files_of_pixels_are_measured(tmp_path, name):
    """The runner makes pixels of what it reads in the file."""
    lowering = profiler.LoweringOptions(pixels=IMAGENET, batch=2)
    (written,) = profiler.export((SPACE, GENES), name, output=tmp_path, lowering=lowering)
    assert written.path.name == f"arch0-b2-pixels{written.path.suffix}"
    assert written.to_dict()["pixels"] == {"mean": list(IMAGENET.mean), "std": list(IMAGENET.std)}
    target = profiler.Target(runtime=formats.get(name).runtime)
    (measured,) = profiler.measure(written.path, target, protocol="quick:rounds=2,runs=1")
    (source,) = measured.to_dict()["inputs"]
    assert source["dtype"] == "uint8"
    (lowered,) = profiler.measure(
        (SPACE, GENES), target, lowering=lowering, protocol="quick:rounds=2,runs=1"
    )
    assert lowered.to_dict()["model"]["pixels"] == IMAGENET.to_dict()


def test_the_command_takes_pixels_by_imagenets_numbers_or_ones_own(tmp_path):
    arch = tmp_path / "a.json"
    arch.write_text(json.dumps(SPACE.decode(GENES[None])[0]))
    np.save(tmp_path / "images.npy", IMAGES)
    args = ["export", "--arch", arch, "-o", tmp_path, "--json", "--uint8-input"]
    (item,) = accepted(invoke(*args))
    assert item["pixels"] == IMAGENET.to_dict()
    own = [*args, "--mean", "0.5,0.5,0.4", "--std", "1,1,1", "--precision", "int8"]
    (item,) = accepted(invoke(*own, "--calibration", tmp_path / "images.npy"))
    assert item["pixels"] == {"mean": [0.5, 0.5, 0.4], "std": [1, 1, 1]}
    assert item["drift"]["samples"] == len(IMAGES)
    for wrong in (["--mean", "0.5"], ["--mean", "a", "--std", "1"], ["--mean", "1", "--std", "0"]):
        refused(invoke(*args, *wrong))
    plain = ["export", "--arch", arch, "-o", tmp_path]
    refused(invoke(*plain, "--mean", "0", "--std", "1"))
    calibrated = [*plain, "--calibration", tmp_path / "images.npy", "--precision", "int8"]
    assert "type uint8" in refused(invoke(*calibrated))
