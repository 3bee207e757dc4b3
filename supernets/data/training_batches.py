"""The training batch at each position: a function of seed and position alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from nasprof.normalisation import Normalisation
from nasprof.typing import Indices
from supernets.data.augmentation import Augmentation, random_crops, shifted
from supernets.data.data_set import Split
from supernets.data.mixing import erase, mix
from supernets.data.randaugment import rand_augment
from supernets.data.tensors import normalised

if TYPE_CHECKING:
    from torch import Tensor, device

_DRAWN, _FINISHED = 0, 1
"""What random numbers are for: each has a generator of its own."""


@dataclass
class TrainingBatches:
    """The batch at each position.

    A batch is drawn (:meth:`drawn`: decoding and what is done to single images, as bytes, on a CPU)
    and then finished (:meth:`finished`: normalised, erased and mixed, on any device).

    Args:
        split: training images.
        normalisation: of them.
        classes: how many there are.
        batch: images at a time, of this rank.
        seed: of order and augmentation.
        augmentation: what is done to the images.
        rank: which of the processes that share each step's images.
        ranks: how many these are.
    """

    split: Split
    normalisation: Normalisation
    classes: int
    batch: int
    seed: int
    augmentation: Augmentation
    rank: int = 0
    ranks: int = 1
    _order: tuple[int, Indices] | None = field(default=None, init=False, repr=False)

    @property
    def per_epoch(self) -> int:
        """Batches of an epoch; what is left of its images has its turn in another epoch."""
        return len(self.split) // (self.batch * self.ranks)

    def indices(self, position: int) -> Indices:
        """Which images the batch at a position has: ``(batch,)``."""
        epoch, step = divmod(position, self.per_epoch)
        if self._order is None or self._order[0] != epoch:
            rng = np.random.default_rng([self.seed, epoch])
            self._order = epoch, rng.permutation(len(self.split))
        start = (step * self.ranks + self.rank) * self.batch
        return self._order[1][start : start + self.batch]

    def _rng(self, position: int, purpose: int) -> np.random.Generator:
        epoch, step = divmod(position, self.per_epoch)
        return np.random.default_rng([self.seed, epoch, step, self.rank, purpose])

    def drawn(self, position: int) -> tuple[Tensor, Tensor]:
        """Images ``(batch, h, w, c)``, uint8, and labels int64 ``(batch,)``."""
        import torch

        rng, changes = self._rng(position, _DRAWN), self.augmentation
        indices, crops = self.indices(position), None
        if changes.resized_crop:
            crops = random_crops(len(indices), changes.resized_crop, rng)
        pixels = self.split.images(indices, crops)
        if changes.operations:
            pixels = rand_augment(pixels, changes.operations, changes.magnitude, rng)
        padding = 0 if changes.resized_crop else changes.padding
        if padding or changes.flip:
            pixels = shifted(pixels, padding, changes.flip, rng)
        return torch.from_numpy(pixels), torch.from_numpy(self.split.labels[indices])

    def finished(
        self, position: int, pixels: Tensor, labels: Tensor, device: device | str = "cpu"
    ) -> tuple[Tensor, Tensor]:
        """What a network is trained on, of the batch that was drawn at this position.

        Args:
            position: of the batch.
            pixels: ``(batch, h, w, c)``, uint8.
            labels: int64 ``(batch,)``.
            device: where it is to be.

        Returns:
            Images float32 ``(batch, c, h, w)``; labels, int64 ``(batch,)``, or shares of classes,
            float32 ``(batch, classes)``.
        """
        rng, changes = self._rng(position, _FINISHED), self.augmentation
        images = normalised(pixels.to(device, non_blocking=True), self.normalisation)
        labels = labels.to(device, non_blocking=True)
        if changes.erasing:
            images = erase(images, changes.erasing, rng)
        if not changes.mixes:
            return images, labels
        return mix(images, labels, self.classes, changes, rng)

    def __getitem__(self, position: int) -> tuple[Tensor, Tensor]:
        """The batch at a position, finished on this CPU."""
        return self.finished(position, *self.drawn(position))
