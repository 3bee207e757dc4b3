"""Files that take raw pixels compute what others compute of normalised images."""

from __future__ import annotations

import numpy as np
import pytest

from nasprof.errors import UsageError
from nasprof.normalisation import Normalisation
from profiler.lowering import FileOptions, formats, lower
from spaces.graph import Block, Network
from spaces.mobilenetv3 import MobileNetV3Space
from spaces.nasbench201 import NasBench201Space
from spaces.ops import Add
from spaces.weights import random_weights

SPACE = NasBench201Space(resolution=16, cells=1, channels=8, classes=5)
GENES = np.array([3, 0, 2, 0, 0, 1], np.int8)
NETWORK = SPACE.network(GENES)
WEIGHTS = random_weights(NETWORK, np.random.default_rng(0))
PIXELS = Normalisation((0.4, 0.5, 0.6), (0.2, 0.3, 0.25))
IMAGES = np.random.default_rng(0).integers(256, size=(6, 16, 16, 3), dtype=np.uint8)
FORMATS = pytest.mark.parametrize("name", ["onnx", "tflite", "torch"])


def outputs(folder, name, samples, options, network=NETWORK, weights=WEIGHTS):
    path = folder / f"model{formats.get(name).suffix}"
    lowered = lower(network, weights, path, name, options)
    batches = samples.reshape(-1, options.batch, *samples.shape[1:])
    return np.concatenate(formats.get(name)().run(path, [[batch] for batch in batches])), lowered


@FORMATS
@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 1e-5), ("fp16", 1e-2)])
def test_pixels_give_what_normalised_images_give(tmp_path, name, precision, tolerance):
    taken, lowered = outputs(tmp_path, name, IMAGES, FileOptions(precision, 2, pixels=PIXELS))
    plain, other = outputs(tmp_path, name, PIXELS.normalised(IMAGES), FileOptions(precision, 2))
    assert np.abs(taken - plain).max() <= tolerance * np.abs(plain).max()
    assert lowered.pixels == PIXELS and other.pixels is None
    assert (lowered.drift is None) == (precision == "fp32")


@pytest.mark.parametrize("name", ["onnx", "tflite"])
def test_int8_is_calibrated_with_pixels(tmp_path, name):
    """The same ranges, and so the same outputs, as with the images normalised beforehand."""
    options = FileOptions("int8", calibration=IMAGES, pixels=PIXELS)
    taken, lowered = outputs(tmp_path, name, IMAGES, options)
    plain, other = outputs(
        tmp_path,
        name,
        PIXELS.normalised(IMAGES),
        FileOptions("int8", calibration=PIXELS.normalised(IMAGES)),
    )
    assert np.abs(taken - plain).max() <= 1e-3 * np.abs(plain).max()
    assert lowered.drift["cosine"] == pytest.approx(other.drift["cosine"], abs=1e-3)
    assert lowered.drift["cosine"] > 0.99


@FORMATS
def test_padding_is_of_normalised_zeros(tmp_path, name):
    """A black border is something else than the padding of a convolution."""
    space = MobileNetV3Space(resolution=32, stem_width=8, stage_widths=(8,) * 5, classes=5)
    network = space.network(np.zeros(space.n_genes, np.int8))
    weights = random_weights(network, np.random.default_rng(1))
    images = np.random.default_rng(1).integers(256, size=(2, 32, 32, 3), dtype=np.uint8)
    far = Normalisation((5.0,), (0.1,))
    both = [
        outputs(tmp_path, name, samples, FileOptions(pixels=pixels), network, weights)[0]
        for samples, pixels in ((images, far), (far.normalised(images), None))
    ]
    assert np.abs(both[0] - both[1]).max() <= 1e-5 * np.abs(both[1]).max()


def test_what_pixels_do_not_fit_is_named(tmp_path):
    def write(network, pixels, **options):
        weights = random_weights(network, np.random.default_rng(0))
        lower(network, weights, tmp_path / "m", "onnx", FileOptions(pixels=pixels, **options))

    with pytest.raises(UsageError, match="2 channels, expected 3"):
        write(NETWORK, Normalisation((0, 0), (1, 1)))
    two = Network.of(Block("sum", ((4, 4, 3),) * 2, (Add(name="sum", inputs=("in0", "in1")),)))
    with pytest.raises(UsageError, match="2 inputs, expected one image"):
        write(two, PIXELS)
    with pytest.raises(UsageError, match="type float32, expected uint8"):
        write(NETWORK, PIXELS, precision="fp16", calibration=IMAGES.astype(np.float32))
