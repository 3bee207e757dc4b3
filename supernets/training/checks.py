"""How accurate a supernet is in the middle of its training, on a few images."""

from __future__ import annotations

from functools import cached_property, partial

import numpy as np
import torch
from torch import Tensor

from spaces import Genes
from supernets.data import DataSet, batches
from supernets.supernet import Supernet

_BATCH = 100


class ValidationCheck:
    """Accuracy of the smallest and the largest network.

    Where the resolution is a gene, the smallest sees the images scaled, as in training.

    Args:
        data: its training images recalibrate batch norm, its validation images are classified.
        images: how many of each, at most.
    """

    def __init__(self, data: DataSet, images: int) -> None:
        self._data = data
        self._images = images

    @cached_property
    def _calibration(self) -> list[Tensor]:
        chosen = np.arange(min(self._images, len(self._data.train)))
        split, normalisation = self._data.train, self._data.normalisation
        return [images for images, _ in batches(split, normalisation, _BATCH, chosen)]

    @cached_property
    def _validation(self) -> list[tuple[Tensor, Tensor]]:
        chosen = np.arange(min(self._images, len(self._data.validation)))
        return list(batches(self._data.validation, self._data.normalisation, _BATCH, chosen))

    def __call__(self, supernet: Supernet) -> dict[str, float]:
        """Top-1 in percent of both, and ``n``, the images; empty without validation images."""
        if not self._validation:
            return {}
        n = sum(len(labels) for _, labels in self._validation)
        both = (("smallest", supernet.smallest), ("largest", supernet.largest))
        return {name: self._top1(supernet, genes) for name, genes in both} | {"n": n}

    def _top1(self, supernet: Supernet, genes: Genes) -> float:
        device = next(supernet.parameters()).device
        hits = n = 0
        with torch.no_grad():
            seen = partial(supernet.scaled, genes=genes)
            calibration = (seen(images.to(device)) for images in self._calibration)
            network = supernet.subnet(genes).recalibrated(calibration)
            for images, labels in self._validation:
                predicted = network(seen(images.to(device))).argmax(1).cpu()
                hits += int((predicted == labels).sum())
                n += len(labels)
        return 100 * hits / n
