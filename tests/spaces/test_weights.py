"""Random weights are reproducible, complete and keep activations in range."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest

from profiler.lowering import FileOptions, formats
from spaces.mobilenetv3 import MobileNetV3Space
from spaces.nasbench201 import NasBench201Space
from spaces.weights import random_weights


@pytest.fixture(scope="module")
def network():
    space = MobileNetV3Space(resolution=128)
    return space.network(space.sample(1, np.random.default_rng(2))[0])


def test_weights_have_every_name_and_shape(network):
    weights = random_weights(network, np.random.default_rng(0))
    assert {name: array.shape for name, array in weights.items()} == network.arrays()
    assert {array.dtype for array in weights.values()} == {np.dtype(np.float32)}


def test_the_same_seed_gives_the_same_weights(network):
    first, again, other = (random_weights(network, np.random.default_rng(s)) for s in (0, 0, 1))
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not any(np.array_equal(first[name], other[name]) for name in first)


def test_batch_norms_differ_from_identity_in_all_four_arrays(network):
    weights = random_weights(network, np.random.default_rng(0))
    norm = "blocks.1.conv.point_linear.bn"
    for part, identity in {"weight": 1, "bias": 0, "running_mean": 0, "running_var": 1}.items():
        array = weights[f"{norm}.{part}"]
        assert np.abs(array - identity).mean() > 0.05
        assert np.abs(array - identity).max() <= 0.5
    assert weights[f"{norm}.running_var"].min() > 0


def test_convolutions_have_hes_variance(network):
    weights = random_weights(network, np.random.default_rng(0))
    expanded = weights["final_expand_layer.conv.weight"]  # h-swish follows
    assert np.isclose(expanded.var(), 2 / 160, rtol=0.05)
    assert np.isclose(weights["classifier.linear.weight"].var(), 1 / 1280, rtol=0.05)


def deviations(network):
    """Standard deviation of every value of the network for a random input."""
    weights = random_weights(network, np.random.default_rng(0))
    content = formats.get("onnx")().encode(network, weights, FileOptions())
    model = onnx.load_from_string(content)
    names = [node.output[0] for node in model.graph.node]
    del model.graph.output[:]
    model.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in names)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    shape = session.get_inputs()[0].shape
    image = np.random.default_rng(1).standard_normal(shape, np.float32)
    return {
        name: value.std()
        for name, value in zip(names, session.run(None, {"input": image}), strict=True)
    }


SPACES = {
    "w1.0": MobileNetV3Space(resolution=128),
    "w1.2": MobileNetV3Space(width=1.2, resolution=128),
    "nasbench201": NasBench201Space(),
}


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES.keys())
def test_activations_neither_explode_nor_vanish(space):
    deepest = np.full(space.n_genes, space.n_choices - 1, np.int8)
    for genes in (deepest, np.where(deepest == 2, 0, deepest).astype(np.int8)):
        found = deviations(space.network(genes))
        assert min(found.values()) > 0.05 and max(found.values()) < 200, found
