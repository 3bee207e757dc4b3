"""The ranges of int8 files: the extremes over all calibration images, whatever their order."""

from __future__ import annotations

import logging

import numpy as np
import onnx
import pytest
from ai_edge_litert import schema_py_generated as schema

from profiler.lowering import FileOptions, formats, lower, tflite_int8
from profiler.model_files.architectures import NamedArch
from profiler.model_files.lowered import LoweringOptions, lower_arch
from spaces.nasbench201 import NasBench201Space
from spaces.weights import random_weights

SPACE = NasBench201Space(resolution=16, cells=1, channels=8, classes=5)
GENES = np.array([3, 0, 2, 0, 0, 1], np.int8)
NETWORK = SPACE.network(GENES)
WEIGHTS = random_weights(NETWORK, np.random.default_rng(0))
BOTH = pytest.mark.parametrize("name", ["onnx", "tflite"])


@pytest.fixture
def images():
    """One image of great contrast before 30 dull ones ``(31, 16, 16, 3)``."""
    rng = np.random.default_rng(0)
    dull = 0.1 * rng.standard_normal((30, 16, 16, 3), np.float32)
    return np.concatenate([20 * rng.standard_normal((1, 16, 16, 3), np.float32), dull])


def written(folder, name, calibration, batch=1):
    path = folder / f"model{formats.get(name).suffix}"
    lower(NETWORK, WEIGHTS, path, name, FileOptions("int8", batch, calibration))
    return path


def boundary_ranges(path):
    """The least and greatest value that input and output can have in an int8 file."""
    if path.suffix == ".onnx":
        graph = onnx.load(path).graph
        arrays = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
        quantizers = [node for node in graph.node if node.op_type == "QuantizeLinear"]
        pairs = [[arrays[name] for name in node.input[1:]] for node in quantizers]
        bounds = [
            ((0 - int(zero)) * float(scale), (255 - int(zero)) * float(scale))
            for scale, zero in pairs
        ]
        by_input = {node.input[0]: bound for node, bound in zip(quantizers, bounds, strict=True)}
        return by_input["input"], by_input["output_QuantizeLinear_Input"]
    graph = schema.ModelT.InitFromPackedBuf(path.read_bytes()).subgraphs[0]
    first, last = graph.operators[0].outputs[0], graph.operators[-1].inputs[0]
    quantities = [graph.tensors[number].quantization for number in (first, last)]
    return tuple(
        tuple(float(q.scale[0]) * (end - int(q.zeroPoint[0])) for end in (-128, 127))
        for q in quantities
    )


@BOTH
@pytest.mark.parametrize("place", ["first", "last"])
def test_ranges_cover_an_extreme_image_wherever_it_comes(tmp_path, images, name, place):
    ordered = images if place == "first" else images[::-1]
    path = written(tmp_path, name, ordered)
    full = tmp_path / f"full{path.suffix}"
    lower(NETWORK, WEIGHTS, full, name)
    outputs = np.concatenate(formats.get(name)().run(full, [[image[None]] for image in images]))
    for (low, high), values in zip(boundary_ranges(path), (images, outputs), strict=True):
        step = (high - low) / 255
        assert low - step <= values.min() <= low + step
        assert high - step <= values.max() <= high + step


@BOTH
def test_files_do_not_depend_on_the_order_of_images(tmp_path, images, name):
    content = written(tmp_path, name, images).read_bytes()
    for order in (images[::-1], np.roll(images, 7, axis=0)):
        assert written(tmp_path, name, order).read_bytes() == content


def test_tflite_is_calibrated_in_as_many_batches_as_fit(tmp_path, images, monkeypatch):
    """Memory for a few images at once gives the ranges that all at once give."""
    whole = boundary_ranges(written(tmp_path, "tflite", images))
    wide = []
    ranges = tflite_int8._ranges
    monkeypatch.setattr(
        tflite_int8, "_ranges", lambda *given: wide.append(len(given[1][0])) or ranges(*given)
    )
    three = formats.get("tflite")().encode(NETWORK, WEIGHTS, FileOptions(batch=3))
    one = tflite_int8._sample_bytes(three)
    monkeypatch.setattr(tflite_int8, "_MOST_BYTES", 4 * one)
    parts = boundary_ranges(written(tmp_path, "tflite", images, batch=2))
    assert wide == [4] * 8
    assert np.allclose(parts, whole, rtol=1e-5)
    monkeypatch.setattr(tflite_int8, "_MOST_BYTES", 1)
    written(tmp_path, "tflite", images[:2])
    assert wide[8:] == [1, 1]


@BOTH
def test_int8_without_images_warns_where_accuracy_could_be_lost(tmp_path, caplog, name):
    with caplog.at_level(logging.INFO, "nasprof"):
        path = tmp_path / "model"
        np.savez(tmp_path / "weights.npz", **WEIGHTS)
        arch = NamedArch("a", SPACE, SPACE.decode(GENES[None])[0])
        lower_arch(arch, name, LoweringOptions("int8"), tmp_path)
        images = np.ones((2, 16, 16, 3), np.float32)
        lower(NETWORK, WEIGHTS, path, name, FileOptions("int8", calibration=images))
        lower(NETWORK, WEIGHTS, path, name, FileOptions("fp16"))
        assert not caplog.records
        lower(NETWORK, WEIGHTS, path, name, FileOptions("int8"))
        options = LoweringOptions("int8", weights=tmp_path / "weights.npz")
        assert lower_arch(arch, name, options, tmp_path).drift["samples"] == 16
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 2
    assert "Give some 100 real images" in caplog.text
