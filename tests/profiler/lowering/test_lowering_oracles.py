"""Other people's implementations of the same networks give the same outputs."""

from __future__ import annotations

import sys
from collections import Counter

import numpy as np
import onnx
import pytest
import torch
from oracles import ofa_subnet, ofa_supernet

from nasprof.errors import NasprofError, UsageError
from profiler.lowering import FileOptions, formats, lower
from profiler.lowering.module import build_module
from profiler.lowering.user_module import export_module
from spaces.graph import Network
from spaces.mobilenetv3 import MobileNetV3Space
from spaces.nasbench201 import NasBench201Space
from spaces.sharing import sharing_of
from spaces.weights import random_weights

TOLERANCE = 1e-5
RESOLUTION = 128


@pytest.fixture(scope="module", params=[1.0, 1.2], ids=["w1.0", "w1.2"])
def supernet(request: pytest.FixtureRequest):
    """The ofa package's supernet with 100 classes, our space, and its state as numpy arrays."""
    space = MobileNetV3Space(width=request.param, resolution=RESOLUTION, classes=100)
    built = ofa_supernet(request.param, classes=100)
    return built, space, {name: value.numpy() for name, value in built.state_dict().items()}


def archs_of(space, n=2, seed=0):
    genes = space.sample(n, np.random.default_rng(seed))
    return zip(space.decode(genes), (space.network(row) for row in genes), strict=True)


def arrays_of(module):
    return {
        name: value.numpy()
        for name, value in module.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }


def relative_difference(expected, actual):
    assert expected.shape == actual.shape
    return np.abs(expected - actual).max() / np.abs(expected).max()


def test_ofa_subnets_give_the_same_outputs_through_their_own_weights(supernet, tmp_path):
    built, space, _ = supernet
    images = np.random.default_rng(1).standard_normal((2, RESOLUTION, RESOLUTION, 3), np.float32)
    tensor = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
    for arch, network in archs_of(space):
        subnet = ofa_subnet(built, arch)
        weights = arrays_of(subnet)
        with torch.no_grad():
            expected = subnet(tensor).numpy()
            assert relative_difference(expected, build_module(network, weights)(tensor).numpy()) < (
                TOLERANCE
            )
        for name in ("onnx", "tflite"):
            path = lower(network, weights, tmp_path / "model", name, FileOptions(batch=2)).path
            (actual,) = formats.get(name)().run(path, [[images]])
            assert relative_difference(expected, actual) < TOLERANCE


def test_slices_of_the_supernet_are_those_of_ofa(supernet):
    """Bit for bit, but for the products with kernel matrices."""
    built, space, state = supernet
    transformed = 0
    for arch, _ in archs_of(space, n=3, seed=7):
        theirs = arrays_of(ofa_subnet(built, arch))
        ours = sharing_of(space).network_weights(state, space.encode([arch])[0])
        assert ours.keys() == theirs.keys()
        for name, array in ours.items():
            if np.array_equal(array, theirs[name]):
                continue
            assert name.endswith("depth_conv.conv.weight") and array.shape[-1] < 7
            assert relative_difference(theirs[name], array) < 1e-6
            transformed += 1
    assert transformed > 0


def test_the_supernet_of_another_width_is_refused(supernet):
    _, space, state = supernet
    other = MobileNetV3Space(
        width=1.2 if space.width == 1 else 1.0, resolution=RESOLUTION, classes=space.classes
    )
    ((arch, _),) = archs_of(other, n=1)
    with pytest.raises(UsageError, match="does not contain"):
        sharing_of(other).network_weights(state, other.encode([arch])[0])


def test_the_supernet_with_other_classes_is_refused(supernet):
    _, space, state = supernet
    other = MobileNetV3Space(width=space.width, resolution=RESOLUTION, classes=10)
    ((arch, _),) = archs_of(other, n=1)
    with pytest.raises(UsageError, match=r"classifier.linear.weight is \(100, "):
        sharing_of(other).network_weights(state, other.encode([arch])[0])


def networks():
    mobilenet = MobileNetV3Space(resolution=RESOLUTION, classes=10)
    bench = NasBench201Space(cells=1)
    return [
        mobilenet.network(np.full(mobilenet.n_genes, 1, np.int8)),
        bench.network(np.array([4, 3, 2, 1, 0, 4], np.int8)),
    ]


@pytest.mark.parametrize("network", networks(), ids=["ofa-mbv3", "nasbench201"])
def test_torch_onnx_export_gives_the_same_graph_and_outputs(network, tmp_path):
    weights = random_weights(network, np.random.default_rng(0))
    image = np.random.default_rng(1).standard_normal((1, *network.inputs[0]), np.float32)
    tensor = torch.from_numpy(image.transpose(0, 3, 1, 2).copy())
    theirs = export_module(build_module(network, weights), tensor, tmp_path / "t.onnx", "onnx")
    ours = lower(network, weights, tmp_path / "o.onnx", "onnx")
    run = formats.get("onnx")().run
    assert relative_difference(run(theirs.path, [[image]])[0], run(ours.path, [[image]])[0]) < (
        TOLERANCE
    )
    census = [
        Counter(node.op_type for node in onnx.load(lowered.path).graph.node)
        for lowered in (theirs, ours)
    ]
    for kind in ("Conv", "HardSwish", "HardSigmoid", "Relu", "Gemm"):
        assert census[0][kind] == census[1][kind]


class Residual(torch.nn.Module):
    """A module of a user's own, with dropout to tell training from evaluation."""

    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 3, 3, padding=1)
        self.dropout = torch.nn.Dropout(0.5)

    def forward(self, image, other):
        return image + self.dropout(torch.nn.functional.gelu(self.conv(other)))


@pytest.mark.parametrize("name", ["onnx", "torch"])
def test_users_own_modules_are_exported(tmp_path, name):
    module = Residual().train()
    generator = np.random.default_rng(0)
    inputs = [generator.standard_normal((2, 8, 6, 3), np.float32) for _ in range(2)]
    tensors = [torch.from_numpy(array.transpose(0, 3, 1, 2).copy()) for array in inputs]
    lowered = export_module(module, tensors, tmp_path / "own", name)
    assert lowered.batch == 2 and module.training
    (actual,) = formats.get(name)().run(lowered.path, [inputs])
    with torch.no_grad():
        expected = module.eval()(*tensors).numpy().transpose(0, 2, 3, 1)
    assert relative_difference(expected, actual) < TOLERANCE


def test_users_own_modules_that_cannot_be_exported_are_errors(tmp_path):
    class Unsupported(torch.nn.Module):
        def forward(self, image):
            return torch.linalg.eigvals(image)

    with pytest.raises(NasprofError, match="cannot be exported as onnx"):
        export_module(Unsupported(), torch.zeros(1, 1, 4, 4), tmp_path / "m.onnx", "onnx")
    assert list(tmp_path.iterdir()) == []


def test_tflite_of_users_own_modules_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "litert_torch", None)
    with pytest.raises(UsageError, match=r"pip install 'nasprof\[litert-torch\]'"):
        export_module(Residual(), torch.zeros(1, 3, 4, 4), tmp_path / "m.tflite", "tflite")


def test_modules_train_and_keep_their_names():
    space = NasBench201Space(cells=1)
    network = space.network(np.array([4, 3, 2, 1, 0, 4], np.int8))
    weights = random_weights(network, np.random.default_rng(0))
    module = build_module(network, weights)
    assert all(np.array_equal(weights[name], array) for name, array in arrays_of(module).items())
    assert arrays_of(module).keys() == weights.keys()
    assert sum(parameter.numel() for parameter in module.parameters()) == network.params
    optimizer = torch.optim.SGD(module.parameters(), lr=0.05)
    images, labels = torch.randn(16, 3, 32, 32), torch.arange(16) % 10
    losses = []
    module.train()
    for _ in range(8):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(module(images), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]
    assert not np.array_equal(
        weights["stem.1.running_mean"], arrays_of(module)["stem.1.running_mean"]
    )


def test_modules_of_one_block_run():
    space = MobileNetV3Space(resolution=RESOLUTION)
    network = Network.of(space.vocabulary[5])
    module = build_module(network, random_weights(network, np.random.default_rng(0)))
    height, width, channels = network.inputs[0]
    assert module(torch.zeros(1, channels, height, width)).shape[1] == network.output[2]
