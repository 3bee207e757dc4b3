"""ViT-B/16, the paper's encoder, with weights in a file that its user has.

A. Dosovitskiy et al., "An Image is Worth 16x16 Words", ICLR 2021. The module is our own and takes
torchvision's parameters by name (``vit_b_16``); its sizes are those of the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from nasprof.errors import UsageError
from nasprof.normalisation import IMAGENET
from nasprof.state_dict import read_state
from nasprof.typing import Array
from search.tasks.encoders.base import DataSetEncoder, as_features, digest_of
from supernets.data import to_tensor
from supernets.data.pictures import Pixels

State = Mapping[str, NDArray[np.float32]]

HEAD_WIDTH = 64
"""Of each attention head, in all of torchvision's."""
_LAYER = "encoder.layers.encoder_layer_"
_OLDER = {"mlp.linear_1": "mlp.0", "mlp.linear_2": "mlp.3"}
"""Names in files of torchvision before 0.13."""


class VisionTransformer(DataSetEncoder):
    """Its class token after the last layer.

    Args:
        state: torchvision's parameters by name.

    Raises:
        UsageError: they are not those of a vision transformer.
    """

    weights = "torchvision's ViT-B/16 (vit_b_16-c867db91.pth, 330 MB)"

    def __init__(self, state: State) -> None:
        self._state = _renamed(state)
        patches = self._array("conv_proj.weight", 4)
        places = self._array("encoder.pos_embedding", 3).shape[1] - 1
        self._patch = patches.shape[2]
        side = round(places**0.5) * self._patch
        self.n_features = len(patches)
        self._heads = max(1, self.n_features // HEAD_WIDTH)
        self._layers = len({n.split(".")[2] for n in self._state if n.startswith(_LAYER)})
        self.image_shape = (side, side, 3)
        self._require_shapes(places)
        parts = [self._state[name].tobytes() for name in sorted(self._state)]
        self.identity = f"vit {digest_of(parts)}"

    @classmethod
    def open(cls, weights: Path | None) -> Self:
        assert weights is not None
        try:
            return cls(read_state(weights))
        except UsageError as error:
            message = error.message if str(weights) in error.message else f"{weights}: {error}"
            raise UsageError(message, error.remedy or f"Expected {cls.weights}.") from error

    def _array(self, name: str, dimensions: int) -> NDArray[np.float32]:
        array = self._state.get(name)
        if array is None or array.ndim != dimensions:
            raise UsageError(f"it holds no {name}, which a vision transformer has")
        return array

    def _require_shapes(self, places: int) -> None:
        width = self.n_features
        shapes: dict[str, tuple[int, ...]] = {
            "conv_proj.weight": (width, 3, self._patch, self._patch),
            "conv_proj.bias": (width,),
            "class_token": (1, 1, width),
            "encoder.pos_embedding": (1, places + 1, width),
            **_norm("encoder.ln", width),
        }
        for number in range(self._layers):
            shapes.update(self._layer_shapes(f"{_LAYER}{number}."))
        for name, shape in shapes.items():
            if name not in self._state or self._state[name].shape != shape:
                held = self._state[name].shape if name in self._state else "missing"
                raise UsageError(f"{name} is {held}, expected an array {shape}")

    def _layer_shapes(self, prefix: str) -> dict[str, tuple[int, ...]]:
        width = self.n_features
        hidden = len(self._array(f"{prefix}mlp.0.bias", 1))
        attention = f"{prefix}self_attention."
        return {
            **_norm(f"{prefix}ln_1", width),
            **_norm(f"{prefix}ln_2", width),
            **_linear(f"{prefix}mlp.0", width, hidden),
            **_linear(f"{prefix}mlp.3", hidden, width),
            **_linear(f"{attention}out_proj", width, width),
            f"{attention}in_proj_weight": (3 * width, width),
            f"{attention}in_proj_bias": (3 * width,),
        }

    def _batch(self, images: Pixels) -> Array:
        import torch

        from search.tasks.encoders.vit_network import class_tokens

        tensors = {name: torch.from_numpy(array) for name, array in self._state.items()}
        with torch.no_grad():
            inputs = to_tensor(images, IMAGENET)
            tokens = class_tokens(tensors, inputs, self._layers, self._heads)
        return as_features(tokens)


def _renamed(state: State) -> State:
    def current(name: str) -> str:
        for old, new in _OLDER.items():
            name = name.replace(old, new)
        return name

    return {current(name): array for name, array in state.items() if not name.startswith("heads.")}


def _norm(prefix: str, width: int) -> dict[str, tuple[int, ...]]:
    return {f"{prefix}.weight": (width,), f"{prefix}.bias": (width,)}


def _linear(prefix: str, inputs: int, outputs: int) -> dict[str, tuple[int, ...]]:
    return {f"{prefix}.weight": (outputs, inputs), f"{prefix}.bias": (outputs,)}
