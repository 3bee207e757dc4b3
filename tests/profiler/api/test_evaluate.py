"""The accuracy of model files: what runs on the device says the same as torch."""

from __future__ import annotations

from contextlib import ExitStack
from functools import cache

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

import profiler
from devices import RunnerRefused, Target
from nasprof.classification import accuracy
from nasprof.errors import NasprofError, UsageError
from nasprof.normalisation import Normalisation
from profiler.lowering import FileOptions, formats, lower
from profiler.lowering.module import build_module
from profiler.model_files import logits
from profiler.model_files.formats import runtime_for
from spaces.nasbench201 import NasBench201Space
from spaces.weights import random_weights

SPACE = NasBench201Space(resolution=8, cells=1, channels=8, classes=10)
NETWORK = SPACE.network(np.array([3, 0, 2, 0, 0, 1], np.int8))
WEIGHTS = random_weights(NETWORK, np.random.default_rng(0))
GREY, LABELS = load_digits(return_X_y=True)
LABELS = LABELS[:200]
IMAGES = np.repeat((GREY[:200].reshape(-1, 8, 8, 1) * 15.9).astype(np.uint8), 3, axis=3)
NORMALISATION = Normalisation((0.2, 0.3, 0.4), (0.25, 0.3, 0.35))
NORMALISED = NORMALISATION.normalised(IMAGES)
BOTH = pytest.mark.parametrize("name", ["onnx", "tflite"])


@pytest.fixture(scope="module")
def expected():
    """Logits ``(200, 10)`` of the same network in torch."""
    with torch.inference_mode():
        images = torch.from_numpy(NORMALISED).permute(0, 3, 1, 2)
        return build_module(NETWORK, WEIGHTS)(images).numpy()


def written(folder, name, **options):
    path = folder / f"net{formats.get(name).suffix}"
    lower(NETWORK, WEIGHTS, path, name, FileOptions(**options))
    return path


@pytest.fixture(scope="module")
def run():
    """The logits of a file, in one session a runtime."""
    with ExitStack() as stack:

        @cache
        def session(backend_runtime):
            return stack.enter_context(Target(runtime=backend_runtime).resolve().open())

        def run(path, images=IMAGES, normalisation=NORMALISATION, progress=None, runtime=None):
            opened = session(runtime or runtime_for(path))
            return logits.logits_of(path, images, opened, normalisation, progress)

        yield run


@pytest.mark.parametrize("name", ["onnx", "tflite"])
@pytest.mark.parametrize(
    ("images", "options"),
    [
        (IMAGES, {"batch": 3}),
        (NORMALISED, {}),
        (IMAGES, {"pixels": NORMALISATION}),
        (IMAGES, {"pixels": NORMALISATION, "batch": 256}),
    ],
    ids=["pixels normalised here", "normalised", "pixels", "fewer than a batch"],
)
def test_logits_are_those_of_torch_on_every_image(run, tmp_path, expected, name, images, options):
    path = written(tmp_path, name, **options)
    found = run(path, images)
    assert found.shape == expected.shape and found.dtype == np.float32
    assert np.abs(found - expected).max() <= 1e-4


@BOTH
def test_accuracies_tell_where_files_ran(tmp_path, expected, name):
    half = written(tmp_path, name, pixels=NORMALISATION, precision="fp16")
    paths = [half.rename(tmp_path / f"half{half.suffix}"), written(tmp_path, name)]
    told = []
    results = profiler.evaluate(
        paths, IMAGES, LABELS, normalisation=NORMALISATION, progress=lambda *at: told.append(at)
    )
    assert told == [(200, 400), (400, 400)]
    assert results[1].accuracy == accuracy(expected, LABELS)
    assert results[0].accuracy.top1 == pytest.approx(results[1].accuracy.top1, abs=1)
    (_, item), (row, _) = results.to_dict(), results.rows()
    assert item["path"] == str(paths[1]) and item["runtime"] == formats.get(name).runtime
    assert (item["n"], item["device"], len(item["by_class"])) == (200, "cpu", 10)
    assert item["low"] < item["top1"] < item["high"] and item["top5"] >= item["top1"]
    assert item["runtime_version"] and "by_class" not in row
    assert len({each["sha256"] for each in results.to_dict()}) == 2


class Lazy:
    """Images that are read in parts."""

    def __init__(self):
        self.read = []

    def __len__(self):
        return len(IMAGES)

    def images(self, indices):
        self.read.append(len(indices))
        return IMAGES[indices]


def test_large_sets_go_through_in_parts_of_whole_batches(run, tmp_path, expected, monkeypatch):
    monkeypatch.setattr(logits, "_REQUEST_BYTES", 4 * 8 * 8 * 3 * 70)
    path = written(tmp_path, "onnx", batch=3)
    images, told = Lazy(), []
    found = run(path, images, progress=lambda *a: told.append(a))
    assert np.abs(found - expected).max() <= 1e-4
    assert images.read == [1, 72, 72, 56]
    assert told == [(72, 200), (144, 200), (200, 200)]


@pytest.mark.parametrize(
    ("images", "normalisation", "options", "words"),
    [
        (IMAGES, None, {}, "takes normalised images, and these are pixels"),
        (NORMALISED, None, {"pixels": NORMALISATION}, "takes pixels as uint8"),
        (IMAGES[:, :4], NORMALISATION, {}, r"takes \[1, 3, 8, 8\], which is no batch of images"),
        (IMAGES[:0], NORMALISATION, {}, "no images"),
        (IMAGES[0], NORMALISATION, {}, "expected float32 or uint8 of shape"),
        (IMAGES.astype(np.int64), NORMALISATION, {}, "images are int64"),
    ],
)
def test_images_that_a_file_does_not_take_are_named(
    run, tmp_path, images, normalisation, options, words
):
    path = written(tmp_path, "onnx", **options)
    with pytest.raises(UsageError, match=words):
        run(path, images, normalisation)


@pytest.mark.parametrize("labels", [LABELS[:7], LABELS / 2, LABELS[:, None], LABELS + 5])
def test_labels_that_are_not_one_an_image_are_refused(tmp_path, labels):
    path = written(tmp_path, "onnx")
    with pytest.raises(UsageError, match="labels are"):
        profiler.evaluate(path, NORMALISED, labels)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("nan", "not finite for 49 of 99 images"),
        ("map", r"gives y \[99, 4, 4, 3\], expected one output of logits"),
        ("nothing", r"outputs are \[\] instead of \['y'\]"),
        ("short", "expected one row a sample"),
    ],
)
def test_outputs_that_are_no_logits_are_named(run, tmp_path, fault, words):
    path = tmp_path / "word.tflite"
    path.write_text(f"gives-{fault}")
    images = np.ones((99, 4, 4, 3), np.float32)
    with pytest.raises(NasprofError, match=words):
        run(path, images, runtime="faulty_adapter:Adapter")
    path.write_text("gives-means")
    assert (run(path, images, runtime="faulty_adapter:Adapter") == 1).all()


def test_a_file_of_another_kind_is_an_error(tmp_path):
    with pytest.raises(UsageError, match="does not exist"):
        profiler.evaluate(tmp_path / "none.onnx", NORMALISED, LABELS)
    (tmp_path / "bad.onnx").write_bytes(b"nothing")
    with pytest.raises(RunnerRefused, match="cannot load"):
        profiler.evaluate(tmp_path / "bad.onnx", NORMALISED, LABELS)
