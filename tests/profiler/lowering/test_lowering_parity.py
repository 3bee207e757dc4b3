"""All targets compute the same function: torch module, ONNX Runtime, LiteRT, TorchScript."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from profiler.lowering import FileOptions, formats, lower
from profiler.lowering.module import build_module
from spaces.graph import Block, Network
from spaces.mobilenetv3 import MobileNetV3Space
from spaces.nasbench201 import OPERATIONS, NasBench201Space
from spaces.ops import (
    Activate,
    Activation,
    Add,
    AvgPool,
    Conv,
    Gate,
    GlobalPool,
    Linear,
    Norm,
    Zero,
)
from spaces.weights import random_weights

TOLERANCE = 1e-5
FILES = ("onnx", "tflite", "torch")
DIRECT = ("onnx", "tflite")  # tracing TorchScript for every case would take minutes
torch.set_num_threads(1)  # with more, tiny networks run many times slower
SMALL = {
    "stem_width": 8,
    "stage_widths": (8, 16, 24, 32, 48),
    "stage_strides": (1, 2, 2, 1, 1),
    "head_widths": (96, 64),
    "classes": 10,
}


def module_output(network, weights, inputs):
    """The output of the torch module in (n, h, w, c), or (n, c) where a linear layer writes it."""
    tensors = [torch.from_numpy(array.transpose(0, 3, 1, 2).copy()) for array in inputs]
    with torch.no_grad():
        output = build_module(network, weights)(*tensors).numpy()
    return output.transpose(0, 2, 3, 1) if output.ndim == 4 else output


def relative_difference(expected, actual):
    assert expected.shape == actual.shape
    return np.abs(expected - actual).max() / max(np.abs(expected).max(), 1e-30)


def worst_difference(network, folder, *, batch=1, seed=0, files=FILES):
    """The largest relative difference of any file's output from the torch module's."""
    weights = random_weights(network, np.random.default_rng(seed))
    rng = np.random.default_rng(seed + 1)
    inputs = [rng.standard_normal((batch, *shape), np.float32) for shape in network.inputs]
    expected = module_output(network, weights, inputs)
    assert np.isfinite(expected).all()
    differences = []
    for name in files:
        path = folder / f"model-{name}{formats.get(name).suffix}"
        lower(network, weights, path, name, FileOptions(batch=batch))
        (actual,) = formats.get(name)().run(path, [inputs])
        differences.append(relative_difference(expected, actual))
    return max(differences)


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("width", "resolution", "batch"),
    [(1.0, 224, 1), (1.0, 132, 2), (1.2, 160, 1), (1.2, 140, 1), (1.0, 252, 1)],
)
def test_ofa_networks_agree(tmp_path, width, resolution, batch):
    space = MobileNetV3Space(width=width, resolution=resolution)
    genes = space.sample(1, np.random.default_rng(resolution))[0]
    assert worst_difference(space.network(genes), tmp_path, batch=batch) < TOLERANCE


@pytest.mark.no_cover
@pytest.mark.parametrize("gene", [0, 2])
def test_smallest_and_largest_ofa_networks_agree(tmp_path, gene):
    space = MobileNetV3Space(resolution=128)
    network = space.network(np.full(space.n_genes, gene, np.int8))
    assert worst_difference(network, tmp_path) < TOLERANCE


# Shrinking would take minutes and make nothing clearer.
@pytest.mark.no_cover
@settings(max_examples=10, deadline=None, derandomize=True, phases=[Phase.generate])
@given(
    resolution=st.integers(17, 61),
    stem_stride=st.sampled_from([1, 2]),
    channels=st.sampled_from([1, 3]),
    batch=st.sampled_from([1, 2, 3]),
    seed=st.integers(0, 1000),
)
def test_small_variants_agree_at_any_resolution(
    tmp_path_factory, resolution, stem_stride, channels, batch, seed
):
    space = MobileNetV3Space(
        resolution=resolution, stem_stride=stem_stride, in_channels=channels, **SMALL
    )
    network = space.network(space.sample(1, np.random.default_rng(seed))[0])
    folder = tmp_path_factory.mktemp("variant")
    assert worst_difference(network, folder, batch=batch, seed=seed, files=DIRECT) < TOLERANCE


CELLS = {
    "convolutions": "nor_conv_3x3 nor_conv_1x1 nor_conv_3x3 skip_connect avg_pool_3x3 nor_conv_3x3",
    "all zero": "none none none none none none",
    "dead edges": "nor_conv_3x3 avg_pool_3x3 nor_conv_1x1 skip_connect none none",
    "zero node": "none nor_conv_3x3 skip_connect none skip_connect nor_conv_1x1",
    "one path": "avg_pool_3x3 none none none nor_conv_1x1 none",
}


@pytest.mark.no_cover
@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS.keys())
@pytest.mark.parametrize("batch", [1, 2])
def test_nasbench201_networks_agree(tmp_path, cell, batch):
    space = NasBench201Space(cells=2)
    genes = np.array([OPERATIONS.index(name) for name in cell.split()], np.int8)
    assert worst_difference(space.network(genes), tmp_path, batch=batch) < TOLERANCE


@pytest.mark.no_cover
def test_random_full_size_nasbench201_networks_agree(tmp_path):
    space = NasBench201Space()
    for genes in space.sample(3, np.random.default_rng(5)):
        assert worst_difference(space.network(genes), tmp_path) < TOLERANCE


@pytest.mark.no_cover
@pytest.mark.parametrize(
    "space",
    [
        MobileNetV3Space(resolution=45, **SMALL),
        MobileNetV3Space(width=1.2, resolution=132),
        NasBench201Space(resolution=20),
    ],
    ids=["small odd sizes", "ofa-mbv3 1.2", "nasbench201"],
)
def test_every_block_alone_agrees(tmp_path, space):
    worst = {
        block.key: worst_difference(Network.of(block), tmp_path, files=DIRECT)
        for block in space.vocabulary
    }
    assert {key: value for key, value in worst.items() if value >= TOLERANCE} == {}


def test_blocks_alone_agree_as_torchscript(tmp_path):
    for space in (MobileNetV3Space(resolution=45, **SMALL), NasBench201Space(resolution=20)):
        for block in (*space.vocabulary[:40:13], *space.vocabulary[-3:]):
            assert worst_difference(Network.of(block), tmp_path, files=("torch",)) < TOLERANCE


def conv(name, source, channels, out, **options):
    return Conv(
        name=name, inputs=(source,), param=name, in_channels=channels, out_channels=out, **options
    )


def activate(name, source, kind):
    return Activate(name=name, inputs=(source,), activation=kind)


IMAGE = (7, 6, 4)
GATES = {
    "gate read twice": (
        GlobalPool(name="pool", inputs=("in0",)),
        conv("gate", "pool", 4, 4, bias=True, activation=Activation.H_SIGMOID),
        Gate(name="gated", inputs=("in0", "gate")),
        conv("a", "gated", 4, 4, kernel=3, norm="bn"),
        Add(name="out", inputs=("a", "gated")),
    ),
    "gate of a norm": (
        GlobalPool(name="pool", inputs=("in0",)),
        Norm(name="gate", inputs=("pool",), norm="bn", channels=4, activation=Activation.H_SIGMOID),
        Gate(name="gated", inputs=("in0", "gate")),
        conv("out", "gated", 4, 5, kernel=3, stride=2, norm="bn2", activation=Activation.H_SWISH),
    ),
    "gate of a linear layer": (
        GlobalPool(name="pool", inputs=("in0",)),
        Linear(name="fc", inputs=("pool",), param="fc", in_features=4, out_features=4),
        activate("gate", "fc", Activation.H_SIGMOID),
        Gate(name="out", inputs=("in0", "gate")),
    ),
    "hard-sigmoid as the output": (
        conv("out", "in0", 4, 4, kernel=5, norm="bn", activation=Activation.H_SIGMOID),
    ),
    "value gated by itself pooled": (
        GlobalPool(name="pool", inputs=("in0",)),
        activate("gate", "pool", Activation.H_SIGMOID),
        Gate(name="gated", inputs=("in0", "gate")),
        conv("out", "gated", 4, 6, groups=2),
    ),
}
OTHERS = {
    "linear layer on an image": (
        conv("a", "in0", 4, 3, kernel=3, stride=2),
        Linear(name="fc", inputs=("a",), param="fc", in_features=4 * 3 * 3, out_features=5),
        activate("act", "fc", Activation.H_SWISH),
        Linear(name="out", inputs=("act",), param="fc2", in_features=5, out_features=2),
    ),
    "overlapping pools that shrink": (
        AvgPool(name="a", inputs=("in0",), kernel=3, stride=2),
        AvgPool(name="out", inputs=("a",), kernel=5, stride=1),
    ),
    "depthwise with a multiplier": (conv("out", "in0", 4, 8, kernel=3, groups=4, bias=True),),
    "grouped": (conv("out", "in0", 4, 6, kernel=3, stride=2, groups=2, norm="bn"),),
    "zeros": (Zero(name="zero", inputs=("in0",)), conv("out", "zero", 4, 4, norm="bn")),
    "a sum's ReLU as the output": (
        conv("a", "in0", 4, 4, kernel=3, norm="bn"),
        Add(name="sum", inputs=("a", "in0")),
        activate("out", "sum", Activation.RELU),
    ),
    "ReLU of a value that is also read without": (
        conv("a", "in0", 4, 4, kernel=3, norm="bn"),
        activate("relu", "a", Activation.RELU),
        conv("b", "relu", 4, 4, norm="bn2"),
        Add(name="out", inputs=("a", "b")),
    ),
    "two equal ReLUs": (
        activate("a", "in0", Activation.RELU),
        activate("b", "in0", Activation.RELU),
        Add(name="out", inputs=("a", "b")),
    ),
    "identity": (activate("out", "in0", Activation.NONE),),
    "a sum of norms": (
        Norm(name="a", inputs=("in0",), norm="bn", channels=4, activation=Activation.H_SWISH),
        Norm(name="b", inputs=("in0",), norm="bn2", channels=4),
        Add(name="out", inputs=("a", "b")),
    ),
}


@pytest.mark.parametrize("ops", (GATES | OTHERS).values(), ids=(GATES | OTHERS).keys())
@pytest.mark.parametrize("batch", [1, 2])
def test_unusual_combinations_agree(tmp_path, ops, batch):
    network = Network.of(Block("unusual", (IMAGE,), ops))
    assert worst_difference(network, tmp_path, batch=batch) < TOLERANCE


def test_networks_with_two_inputs_agree(tmp_path):
    ops = (
        conv("a", "in0", 4, 2, kernel=3, norm="bn"),
        Add(name="out", inputs=("a", "in1")),
    )
    network = Network.of(Block("two inputs", (IMAGE, (7, 6, 2)), ops))
    assert worst_difference(network, tmp_path, batch=2) < TOLERANCE


def test_a_wrong_batch_norm_would_be_noticed(tmp_path):
    """The comparison is not blind: other running statistics in the file fail it."""
    space = MobileNetV3Space(resolution=32, **SMALL)
    network = space.network(np.zeros(space.n_genes, np.int8))
    weights = random_weights(network, np.random.default_rng(0))
    image = np.random.default_rng(1).standard_normal((1, *network.inputs[0]), np.float32)
    expected = module_output(network, weights, [image])
    name = "blocks.3.conv.depth_conv.bn.running_var"
    lower(network, weights | {name: weights[name] * 1.01}, tmp_path / "m.onnx", "onnx")
    (actual,) = formats.get("onnx")().run(tmp_path / "m.onnx", [[image]])
    assert relative_difference(expected, actual) > 10 * TOLERANCE
