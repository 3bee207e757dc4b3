"""One formula normalises pixels, wherever that is done."""

from __future__ import annotations

import json

import numpy as np
import pytest

from nasprof.errors import UsageError
from nasprof.normalisation import IMAGENET, Normalisation

THREE = Normalisation((0.4, 0.5, 0.6), (0.2, 0.3, 0.25))
PIXELS = np.random.default_rng(0).integers(256, size=(6, 16, 12, 3), dtype=np.uint8)


@pytest.mark.parametrize("normalisation", [THREE, IMAGENET, Normalisation((0.5,), (0.3,))])
def test_normalisation_is_that_of_pixels_scaled_to_1(normalisation):
    normalised = normalisation.normalised(PIXELS)
    expected = (PIXELS / 255 - np.array(normalisation.mean)) / np.array(normalisation.std)
    assert normalised.dtype == np.float32
    assert np.abs(normalised - expected).max() < 1e-6


@pytest.mark.parametrize("normalisation", [THREE, Normalisation((0.5,), (0.3,))])
def test_networks_are_trained_on_what_files_compute(normalisation):
    pytest.importorskip("torch")
    from supernets.data import to_tensor

    trained_on = to_tensor(PIXELS, normalisation).permute(0, 2, 3, 1).numpy()
    np.testing.assert_array_equal(trained_on, normalisation.normalised(PIXELS))


def test_normalisation_by_images_makes_their_mean_0_and_deviation_1():
    values = PIXELS.reshape(-1, 3).astype(np.float64)
    squares = np.square(values).sum(axis=0)
    normalised = Normalisation.of_sums(values.sum(axis=0), squares, len(values)).normalised(PIXELS)
    assert np.abs(normalised.mean(axis=(0, 1, 2))).max() < 1e-4
    assert np.abs(normalised.std(axis=(0, 1, 2)) - 1).max() < 1e-4
    with pytest.raises(UsageError, match="no image"):
        Normalisation.of_sums(np.zeros(3), np.zeros(3), 0)


def test_normalisations_are_written_as_json():
    assert Normalisation.from_dict(json.loads(json.dumps(THREE.to_dict()))) == THREE
    with pytest.raises(UsageError, match="card: field 'std' is missing"):
        Normalisation.from_dict({"mean": [0.5]}, "card")


@pytest.mark.parametrize(
    ("mean", "std", "words"),
    [
        ((0.5,), (0.5, 0.5), "expected as many"),
        ((), (), "expected as many"),
        ((0.5,), (0,), "above 0"),
        ((float("nan"),), (1,), "finite"),
        (("a",), (1,), "finite"),
        (0.5, (1,), "finite"),
    ],
)
def test_impossible_normalisations_are_named(mean, std, words):
    with pytest.raises(UsageError, match=words):
        Normalisation(mean, std)


def test_pixels_of_other_channels_are_refused():
    with pytest.raises(UsageError, match="3 channels, expected 1"):
        THREE.normalised(PIXELS[..., :1])
