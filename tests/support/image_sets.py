"""Small sets of images in files, and what is said of those that are refused."""

import numpy as np
import pytest
from PIL import Image

from nasprof.errors import UsageError
from supernets.data import read_data

SHAPE = (8, 8, 1)


def noise(seed, shape=(8, 8)):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def save(path, seed=0, shape=(8, 8)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(noise(seed, shape)).save(path)


def folder(path, classes=("cat", "dog"), each=6, part=""):
    for label, name in enumerate(classes):
        for number in range(each):
            save(path / part / name / f"{number}.png", 100 * label + number + 7 * len(part))
    return path


def refused(path, *words, options=None, shape=SHAPE):
    with pytest.raises(UsageError) as caught:
        read_data(path, shape, options=options)
    for word in words:
        assert word in str(caught.value)
    assert len(str(caught.value)) < 2000
