"""What every data-set encoder offers."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from nasprof.errors import UsageError
from nasprof.registry import Registry
from nasprof.typing import Array
from supernets.data.pictures import Geometry, Pixels, convert_array

if TYPE_CHECKING:
    from torch import Tensor

_BATCH = 64


class DataSetEncoder(ABC):
    """Turns images into features, each image for itself.

    Attributes:
        image_shape: ``(h, w, c)`` that images are brought to.
        n_features: of an image.
        identity: what tells its features from others: its name, and a digest of its weights.
    """

    weights: ClassVar[str | None] = None
    """What its weights file is, in words, if it needs one."""

    image_shape: tuple[int, int, int]
    n_features: int
    identity: str

    @classmethod
    @abstractmethod
    def open(cls, weights: Path | None) -> Self:
        """The encoder, ready.

        Args:
            weights: its file, where :attr:`weights` says that it needs one.

        Raises:
            UsageError: an extra is not installed, or the file is missing or another, named.
        """

    def features(self, images: Pixels) -> Array:
        """Features of images.

        Args:
            images: ``(n, h, w, c)``, of any size and 1 or 3 channels.

        Returns:
            ``(n, n_features)``.

        Raises:
            UsageError: they are no such images.
        """
        if images.ndim != 4 or images.dtype != np.uint8 or images.shape[3] not in (1, 3):
            raise UsageError(
                f"images are {images.dtype} of the shape {images.shape}, expected uint8 "
                "(n, height, width, 1 or 3)"
            )
        scaled = convert_array(images, Geometry(self.image_shape), None)
        batches = [scaled[start : start + _BATCH] for start in range(0, len(scaled), _BATCH)]
        parts = [np.zeros((0, self.n_features)), *map(self._batch, batches)]
        return np.concatenate(parts)

    @abstractmethod
    def _batch(self, images: Pixels) -> Array:
        """Features of images of :attr:`image_shape`."""


data_set_encoders: Registry[type[DataSetEncoder]] = Registry(
    "data-set encoder",
    {
        "efficientnet-lite0": "search.tasks.encoders.efficientnet:EfficientNetLite0",
        "pixels": "search.tasks.encoders.pixels:PixelStatistics",
        "supernet": "search.tasks.encoders.supernet:SupernetFeatures",
        "vit-b-16": "search.tasks.encoders.vit:VisionTransformer",
    },
)
"""One file each."""


def open_encoder(name: str) -> DataSetEncoder:
    """The encoder of a name.

    Args:
        name: of :data:`data_set_encoders`; with its weights as ``NAME@FILE`` where it needs them.

    Raises:
        UsageError: there is none, or it lacks an extra or a file, named.

    >>> open_encoder("pixels").identity
    'pixels'
    """
    name, _, path = name.partition("@")
    kind = data_set_encoders.get(name)
    if kind.weights is None and path:
        raise UsageError(f"the encoder {name} takes no weights, but was given {path}")
    if kind.weights is not None and not path:
        raise UsageError(f"the encoder {name} needs {kind.weights}", f"Name the file: {name}@FILE")
    if path and not Path(path).is_file():
        raise UsageError(
            f"the weights of the encoder {name} are missing: there is no file {path}",
            f"Expected {kind.weights}.",
        )
    return kind.open(Path(path) if path else None)


def as_features(features: Tensor) -> Array:
    """Features of a network as an array."""
    values: Array = features.detach().double().cpu().numpy()
    return values


def digest_of(arrays: Sequence[bytes]) -> str:
    """The first digits of SHA-256 of bytes one after the other."""
    sha = hashlib.sha256()
    for part in arrays:
        sha.update(part)
    return sha.hexdigest()[:16]
