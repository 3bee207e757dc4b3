"""OFA's published accuracy predictor.

A perceptron 128-400-400-400-1 on one-hot kernels and expansions of 20 positions and the
resolution. Source: Cai et al., "Once-for-All", ICLR 2020, Sec. 3.4; published as
``acc_predictor.pth`` with the authors' tutorial.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Self, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from nasprof.arrays import ArraysInvalid
from nasprof.tensors import read_tensors
from nasprof.threads import one_thread
from nasprof.typing import Array, JsonObject
from search.accuracy.base import AccuracyModel
from search.accuracy.errors import AccuracyModelInvalid
from search.model_arrays import Arrays, ModelArrays
from spaces import Genes, Space, get_space

MlpWeights: TypeAlias = Mapping[str, NDArray[np.float32]]

RESOLUTIONS = (160, 176, 192, 208, 224)
SHAPES: Mapping[str, tuple[int, ...]] = {
    "0_weight": (400, 128),
    "0_bias": (400,),
    "2_weight": (400, 400),
    "2_bias": (400,),
    "4_weight": (400, 400),
    "4_bias": (400,),
    "6_weight": (1, 400),
    "6_bias": (1,),
}

_ROWS = 2048


@dataclass(frozen=True)
class OfaMlp(AccuracyModel):
    """Top-1 of OFA-MobileNetV3 w1.2 at the five resolutions it was trained on.

    Args:
        weights: of each layer, by the names in :data:`SHAPES`.
    """

    kind: ClassVar[str] = "ofa-mlp"

    name: str
    weights: MlpWeights

    @cached_property
    def spaces(self) -> tuple[Space, ...]:  # type: ignore[override]  # read-only here
        return tuple(get_space("ofa-mbv3", width=1.2, resolution=side) for side in RESOLUTIONS)

    @property
    def provenance(self) -> JsonObject:  # type: ignore[override]  # read-only here
        return {"source": "OFA's accuracy predictor (Cai et al., ICLR 2020)"}

    @property
    def doubts(self) -> list[str]:
        return [
            "it was trained on accuracies of a split of ImageNet's training set: "
            "its predictions are too high, and tell which network is better"
        ]

    def top1(self, genes: Genes, space: Space | None = None) -> Array:
        space = self.space_of(space)
        genes = space.checked(genes)
        top1 = np.empty(len(genes))
        bias = self._bias[RESOLUTIONS.index(self._side(space))]
        with one_thread():
            for start in range(0, len(genes), _ROWS):
                rows = slice(start, start + _ROWS)
                top1[rows] = self._forward(space.onehot(genes[rows]), bias)
        return top1

    def _forward(self, onehot: NDArray[np.float32], bias: NDArray[np.float32]) -> Array:
        hidden = np.maximum(onehot @ self._first + bias, 0)
        for layer in (2, 4):
            hidden = hidden @ self.weights[f"{layer}_weight"].T
            hidden += self.weights[f"{layer}_bias"]
            np.maximum(hidden, 0, out=hidden)
        top1 = hidden @ self.weights["6_weight"][0] + self.weights["6_bias"][0]
        percent: Array = 100 * top1.astype(np.float64)
        return percent

    @cached_property
    def _first(self) -> NDArray[np.float32]:
        """The first layer on this project's one-hot genes, depths at 0: ``(135, 400)``."""
        published = self.weights["0_weight"].T[:120].reshape(2, 5, 4, 3, 400)
        first = np.zeros((5, 9, 3, 400), np.float32)
        first[:, 2::2], first[:, 1::2] = published[0], published[1]
        return first.reshape(135, 400)

    @cached_property
    def _bias(self) -> NDArray[np.float32]:
        """Bias of the first layer at each resolution: ``(5, 400)``."""
        slots = [(side - 112) // 16 for side in RESOLUTIONS]
        biases: NDArray[np.float32] = (
            self.weights["0_weight"].T[120:][slots] + self.weights["0_bias"]
        )
        return biases

    @staticmethod
    def _side(space: Space) -> int:
        side: int = space.settings["resolution"]
        return side

    # --- files ------------------------------------------------------------------------------

    @classmethod
    def of(cls, arrays: Arrays, name: str) -> Self:
        """The predictor with these weights.

        Raises:
            AccuracyModelInvalid: one is missing, superfluous, of another shape or not finite.
        """
        for key, shape in SHAPES.items():
            array = arrays.get(key)
            if array is None or array.shape != shape or array.dtype != np.float32:
                what = "missing" if array is None else f"{array.dtype} of shape {array.shape}"
                raise AccuracyModelInvalid(
                    f"{name!r}: {key!r} is {what}, expected float32 of shape {shape}",
                    "Expected the weights of OFA's acc_predictor.pth.",
                )
            if not np.isfinite(cast("Array", array)).all():
                raise AccuracyModelInvalid(f"{name!r}: {key!r} has values that are not finite")
        if unknown := set(arrays) - set(SHAPES):
            raise AccuracyModelInvalid(f"{name!r}: unknown array {min(unknown)!r}")
        return cls(name, cast("MlpWeights", dict(arrays)))

    def as_arrays(self) -> ModelArrays:
        """As a file holds it."""
        settings = [space.settings for space in self.spaces]
        return ModelArrays({"kind": self.kind, "spaces": settings, "provenance": {}}, self.weights)

    @classmethod
    def from_arrays(cls, stored: ModelArrays, name: str) -> Self:
        """From a file.

        Raises:
            AccuracyModelInvalid: it does not hold such weights.
        """
        return cls.of(stored.arrays, name)


def read_checkpoint(path: Path) -> dict[str, NDArray[np.generic]]:
    """The tensors of a torch checkpoint as arrays, ``0.weight`` as ``0_weight``.

    Raises:
        UsageError: torch is not installed, or the file cannot be opened.
        AccuracyModelInvalid: it holds no tensors.
    """
    try:
        return {name.replace(".", "_"): array for name, array in read_tensors(path).items()}
    except ArraysInvalid as error:
        raise AccuracyModelInvalid(
            error.message, error.remedy or "Expected OFA's acc_predictor.pth."
        ) from error
