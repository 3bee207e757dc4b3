"""Data sets that are known by name."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from nasprof.errors import UsageError
from nasprof.registry import Registry
from nasprof.typing import Array
from nasprof.user_folders import data_folder
from supernets.data.formats.idx import IdxFormat
from supernets.data.options import DataOptions
from supernets.data.samples import ArrayImages, Samples, unassigned

DIGITS = ("datasets", "data", "digits.csv.gz")
"""Where scikit-learn keeps them, in the folder of its package."""
SYSTEM_FOLDER = Path("/usr/share/datasets")
"""Where Debian's packages of data sets install them."""
FASHION = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


def digits(options: DataOptions) -> Samples:
    """1,797 handwritten digits of 8 x 8 grey pixels, of scikit-learn.

    E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998: its test part.
    """
    table = _digits()
    images = np.rint(table[:, :-1].reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)
    return Samples(
        images=ArrayImages(images, "digits"),
        labels=table[:, -1].astype(np.int64),
        classes=tuple(str(digit) for digit in range(10)),
        splits=unassigned(len(images)),
    )


def _digits() -> Array:
    """Pixels from 0 to 16 and, last, which digit they show: ``(1797, 65)``.

    Read from scikit-learn's file, since importing scikit-learn takes longer than a second.
    """
    package = find_spec("sklearn")
    for folder in (package and package.submodule_search_locations) or ():
        path = Path(folder, *DIGITS)
        if path.is_file():
            table: Array = np.loadtxt(path, delimiter=",")
            return table
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    return np.column_stack([images, labels])


def fashion_mnist(options: DataOptions) -> Samples:
    """60,000 and 10,000 articles of clothing of 28 x 28 grey pixels.

    H. Xiao, K. Rasul, R. Vollgraf, Fashion-MNIST, arXiv:1708.07747, 2017. It lies in
    ``datasets/fashion-mnist`` of the data folder, or where Debian installs it.

    Raises:
        UsageError: it is not installed.
    """
    places = [SYSTEM_FOLDER / "fashion-mnist"]
    with suppress(UsageError):  # no home folder
        places.insert(0, data_folder() / "datasets" / "fashion-mnist")
    for folder in places:
        if folder.is_dir():
            samples = IdxFormat().read(folder, options)
            if len(samples.classes) != len(FASHION):
                raise UsageError(f"{folder} has {len(samples.classes)} classes, expected 10")
            return replace(samples, classes=FASHION)
    raise UsageError(
        f"Fashion-MNIST is not installed: neither {' nor '.join(map(str, places))} is a folder",
        "On Debian and Ubuntu: apt install dataset-fashion-mnist. Elsewhere copy its four files "
        "to the first of them.",
    )


data_sets: Registry[Callable[[DataOptions], Samples]] = Registry(
    "data set",
    {
        "digits": "supernets.data.named:digits",
        "fashion-mnist": "supernets.data.named:fashion_mnist",
    },
)
