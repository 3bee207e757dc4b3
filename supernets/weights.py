"""The weights that a supernet's file gives to the networks that are written as model files."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nasprof.errors import UsageError
from nasprof.log import logger
from nasprof.normalisation import IMAGENET, Normalisation
from spaces import Genes, Space
from spaces.ops import shape_key
from supernets.card import SupernetCard
from supernets.checkpoint import read_card, read_supernet
from supernets.data import DataSet, read_data
from supernets.recalibration import Recalibration

if TYPE_CHECKING:
    from supernets.evaluation import Evaluation, Evaluator

CALIBRATION = 100
"""Training images that set the ranges of int8."""


@dataclass(frozen=True)
class SupernetWeights:
    """The weights that a supernet's file gives to its networks, whatever their resolution.

    Args:
        path: the supernet's ``.safetensors``, or a checkpoint of Once-for-All (``.pth``).
        data: labelled images, or their folder, file or name: their training images recalibrate the
            batch norm of each network and set the ranges of int8. Without them networks have the
            supernet's statistics, which are of none in particular.
        recalibration: on which training images.

    >>> SupernetWeights("S.safetensors", "digits").recalibration.images
    500
    """

    path: Path | str
    data: DataSet | Path | str | None = None
    recalibration: Recalibration = field(default_factory=Recalibration)
    _opened: dict[Space, _Opened] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def normalisation(self) -> Normalisation:
        """Of what it was trained on; ImageNet's for checkpoints of others.

        Raises:
            UsageError: there is no such file, or its card is damaged.
        """
        card = read_card(Path(self.path))
        return IMAGENET if card is None else card.normalisation

    @property
    def own(self) -> bool:
        """Whether it was trained here, so that its images are known; not a checkpoint of others.

        Raises:
            UsageError: there is no such file, or its card is damaged.
        """
        return read_card(Path(self.path)) is not None

    def check(self, space: Space) -> None:
        """Look whether it has weights for networks of a space.

        Raises:
            UsageError: the supernet is of another space, width or number of classes, or the images
                do not fit it.
        """
        self._at(space)

    def arrays(self, space: Space, genes: Genes) -> dict[str, NDArray[np.float32]]:
        """Every parameter and buffer of the network ``(n_genes,)``, by name.

        Raises:
            UsageError: as :meth:`check`.
        """
        return self._at(space).arrays(genes)

    def pixels(self, space: Space) -> NDArray[np.uint8] | None:
        """Training images ``(n, h, w, c)`` that set the ranges of int8; None without data."""
        return self._at(space).pixels()

    def evaluate(self, space: Space, genes: Genes) -> Evaluation | None:
        """The accuracy of the network ``(n_genes,)`` on the test images; None where there are none.

        Raises:
            UsageError: as :meth:`check`.
        """
        return self._at(space).evaluate(genes)

    def _at(self, space: Space) -> _Opened:
        if space not in self._opened:
            self._opened[space] = _Opened(self, space)
        return self._opened[space]


class _Opened:
    """A supernet's file at one resolution, read once."""

    def __init__(self, weights: SupernetWeights, space: Space) -> None:
        self._supernet, self._card = read_supernet(weights.path, space)
        self._data: DataSet | None = None
        self._evaluator: Evaluator | None = None
        self._recalibration = weights.recalibration
        if weights.data is None:
            logger.warning(
                "Batch norm has the supernet's statistics, which are of no network in particular: "
                "accuracy is lower, by 1 to 32 points where that was measured, until it is "
                "recalibrated on images (--data)."
            )
        else:
            self._data = images_for(self._card, space, weights.data)
            self._evaluator = self._for("train")

    def _for(self, split: str) -> Evaluator:
        from supernets.evaluation import Evaluator

        assert self._data is not None
        return Evaluator(
            self._supernet,
            self._card,
            self._data,
            split=split,
            recalibration=self._recalibration,
        )

    def arrays(self, genes: Genes) -> dict[str, NDArray[np.float32]]:
        if self._evaluator is None:
            return self._supernet.subnet(genes).arrays()
        return self._evaluator.recalibrated(genes).arrays()

    def pixels(self) -> NDArray[np.uint8] | None:
        if self._data is None:
            return None
        return calibration_pixels(self._data, CALIBRATION, self._recalibration.seed)

    def evaluate(self, genes: Genes) -> Evaluation | None:
        if self._data is None or not len(self._data.test):
            return None
        return self._for("test").evaluate(genes)


def images_for(card: SupernetCard, space: Space, data: DataSet | Path | str) -> DataSet:
    """Images in the shape that a space's networks see, split as when the supernet was trained.

    Raises:
        UsageError: they cannot be read, or are of another shape.
    """
    shape = space.input_shape
    if not isinstance(data, DataSet):
        return read_data(data, shape, seed=card.data.get("seed", 0), options=card.data_options)
    if data.image_shape != shape:
        raise UsageError(
            f"the images of {data.name} are {shape_key(data.image_shape)}, but the networks of "
            f"{space.label} read {shape_key(shape)}"
        )
    return data


def calibration_pixels(data: DataSet, n: int, seed: int) -> NDArray[np.uint8]:
    """Training images ``(n, h, w, c)`` as pixels, or as many as there are."""
    return data.train.images(Recalibration(n, seed=seed).choose(len(data.train)))
