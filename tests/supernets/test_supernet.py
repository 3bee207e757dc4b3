"""Every space's supernet: its networks are those that are lowered, and its weights are OFA's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from oracles import ofa_subnet, ofa_supernet
from small_supernets import SPACES
from torch.nn import functional

from nasprof.errors import UsageError
from profiler.lowering import FileOptions, formats, lower
from profiler.lowering.module import build_module
from spaces import get_space
from spaces.sharing import sharing_of
from spaces.weights import random_weights
from supernets import Supernet
from supernets.depthwise import DepthwiseConv

every_space = pytest.mark.parametrize("name", SPACES)


def images_of(space, n, seed=0):
    height, width, channels = space.network(space.sample(1, np.random.default_rng(0))[0]).inputs[0]
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, channels, height, width, generator=generator)


def filled(space, seed=0):
    """A supernet whose every array differs from what it begins with."""
    supernet = Supernet(space, rng=np.random.default_rng(seed))
    rng = np.random.default_rng(seed)
    arrays = {
        name: array
        + np.float32(0.2) * (rng.random(array.shape, np.float32) + name.endswith("running_var"))
        for name, array in supernet.arrays().items()
    }
    return supernet.load_arrays(arrays).eval()


@every_space
def test_a_network_of_the_supernet_is_the_one_that_is_lowered(name, tmp_path):
    space = SPACES[name]
    supernet, images = filled(space), images_of(space, 2)
    state = supernet.arrays()
    for genes in space.sample(4, np.random.default_rng(1)):
        network = space.network(genes)
        with torch.no_grad():
            logits = supernet(images, genes).numpy()
        weights = sharing_of(space).network_weights(state, genes)
        cut = supernet.subnet(genes).arrays()
        assert cut.keys() == weights.keys() == network.arrays().keys()
        assert all(np.allclose(cut[key], weights[key], atol=1e-6) for key in cut)
        with torch.no_grad():
            assert np.allclose(build_module(network, weights)(images).numpy(), logits, atol=1e-5)
        for kind in ("onnx", "tflite"):
            path = lower(network, weights, tmp_path / "model", kind, FileOptions(batch=2)).path
            pixels = images.permute(0, 2, 3, 1).contiguous().numpy()
            (output,) = formats.get(kind)().run(path, [[pixels]])
            assert np.allclose(output.reshape(2, -1), logits, rtol=1e-5, atol=1e-5)


@every_space
def test_networks_share_their_weights(name):
    space = SPACES[name]
    supernet = Supernet(space)
    before = supernet.arrays()
    supernet.train()
    functional.cross_entropy(
        supernet(images_of(space, 4), supernet.smallest), torch.arange(4)
    ).backward()
    used = supernet.sources(supernet.smallest)
    moved = {
        key
        for key, value in supernet.named_parameters()
        if value.grad is not None and bool(value.grad.abs().sum() > 0)
    }
    assert moved and moved <= used
    statistics = {key for key in before if not np.array_equal(before[key], supernet.arrays()[key])}
    assert statistics and statistics <= used
    assert all("running" in key for key in statistics)


@every_space
def test_recalibration_gives_the_statistics_of_these_images(name):
    space = SPACES[name]
    supernet, images = filled(space), images_of(space, 30)
    genes = supernet.largest
    recalibrated = supernet.subnet(genes).recalibrated(images.split(10))
    with torch.no_grad():
        # By definition: statistics of one batch make evaluation what training sees.
        alone = supernet.subnet(genes).recalibrated([images])
        by_batch = supernet.subnet(genes).trained_on(images, momentum=0.0)
        assert torch.allclose(alone(images), by_batch, rtol=1e-3, atol=1e-3)
        assert not torch.allclose(alone(images), supernet(images, genes), atol=1e-3)
    again = recalibrated.recalibrated(images.split(10))
    for key, tensor in again.tensors.items():
        assert torch.allclose(tensor, recalibrated.tensors[key], atol=1e-6)
    with pytest.raises(UsageError, match="no images"):
        recalibrated.recalibrated([])


@every_space
def test_the_loss_of_a_new_supernet_falls_at_once(name):
    """Every block passes something on: else the loss stays at that of guessing."""
    space = SPACES[name]
    supernet = Supernet(space).train()
    images, labels = images_of(space, 20), torch.arange(20) % 10
    optimiser = torch.optim.AdamW(supernet.parameters(), 1e-2)
    losses = []
    for _ in range(15):
        optimiser.zero_grad()
        loss = functional.cross_entropy(supernet(images, supernet.largest), labels)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert min(losses) < 0.9 * losses[0]


@every_space
def test_weights_of_another_space_or_number_of_classes_are_refused(name):
    space = SPACES[name]
    arrays = Supernet(space).arrays()
    with pytest.raises(UsageError, match=r"classifier.*\(10, .*expected \(7, "):
        Supernet(space, classes=7).load_arrays(arrays)
    with pytest.raises(UsageError, match="no array"):
        Supernet(space).load_arrays(random_weights(space.network(space.sample(1, rng())[0]), rng()))
    other = next(space for key, space in SPACES.items() if key != name)
    with pytest.raises(UsageError, match="no array"):
        Supernet(other).load_arrays(arrays)


def rng():
    return np.random.default_rng(5)


def test_a_space_that_shares_nothing_is_refused():
    from spaces.base import Space

    class Lonely(Space):
        name = "lonely"

    Lonely.__abstractmethods__ = frozenset()
    with pytest.raises(UsageError, match="does not say how its networks share weights"):
        Supernet(Lonely())


@pytest.fixture(scope="module", params=[1.0, 1.2])
def theirs(request):
    space = get_space("ofa-mbv3", width=request.param, classes=10, resolution=128)
    return space, ofa_supernet(request.param, classes=10)


def test_weights_go_to_ofa_and_back(theirs):
    from ofa.imagenet_classification.elastic_nn.utils import set_running_statistics

    space, package = theirs
    state = {key: value for key, value in package.state_dict().items()}
    ours = Supernet(space).load_arrays(
        {key: value.numpy() for key, value in state.items() if value.is_floating_point()}
    )
    ours.eval()
    assert ours.state_dict().keys() == state.keys()
    package.load_state_dict(ours.state_dict(), strict=True)
    images = images_of(space, 4)
    calibration = images_of(space, 6, seed=1)
    genes = space.sample(3, np.random.default_rng(0))
    for row, arch in zip(genes, space.decode(genes), strict=True):
        with torch.no_grad():
            assert torch.allclose(ofa_subnet(package, arch)(images), ours(images, row), atol=1e-5)
        subnet = ofa_subnet(package, arch)
        set_running_statistics(subnet, [(batch, None) for batch in calibration.split(2)])
        recalibrated = ours.subnet(row).recalibrated(calibration.split(2))
        with torch.no_grad():
            assert torch.allclose(subnet.eval()(images), recalibrated(images), atol=1e-5)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(("size", "kernel"), [(9, 7), (8, 7), (4, 5), (3, 7)])
def test_the_depthwise_convolution_has_the_gradients_of_the_stock_one(stride, size, kernel):
    generator = torch.Generator().manual_seed(size)
    value = torch.randn(3, 4, size, size, generator=generator, requires_grad=True)
    weight = torch.randn(4, 1, kernel, kernel, generator=generator, requires_grad=True)
    outputs = [
        DepthwiseConv.apply(value, weight, stride),
        functional.conv2d(value, weight, None, stride, kernel // 2, 1, 4),
    ]
    assert torch.equal(*outputs)
    slope = torch.randn(outputs[0].shape, generator=generator)
    gradients = [torch.autograd.grad(output, (value, weight), slope) for output in outputs]
    for ours, stock in zip(*gradients, strict=True):
        assert torch.allclose(ours, stock, rtol=1e-4, atol=1e-4)
