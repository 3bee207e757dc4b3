"""How accurate the networks of a supernet are on images that it was not trained on."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from nasprof.classification import Accuracy, accuracy
from nasprof.log import logger
from nasprof.typing import Indices, JsonObject
from spaces import Genes
from supernets.card import SupernetCard
from supernets.data import DataSet, batches
from supernets.recalibration import Recalibration
from supernets.subnet import Subnet
from supernets.supernet import Supernet

_CACHED_PIXELS = 400_000
"""Of a batch, at most: at 224 pixels 8 images at a time take half as long as 64."""
_LARGEST_BATCH = 100


@dataclass(frozen=True)
class Evaluation:
    """The accuracy of one network.

    Args:
        accuracy: top-1 with its interval, top-5, and top-1 of each class.
        recalibrated_on: training images that its batch norm was recalibrated on.
        cpu_s: CPU seconds that recalibrating and evaluating took.
        recalibration_cpu_s: those of them that recalibrating took.
    """

    accuracy: Accuracy
    recalibrated_on: int
    cpu_s: float
    recalibration_cpu_s: float

    def to_dict(self) -> JsonObject:
        """As JSON."""
        return {
            **self.accuracy.to_dict(),
            "recalibrated_on": self.recalibrated_on,
            "cpu_s": self.cpu_s,
            "recalibration_cpu_s": self.recalibration_cpu_s,
        }


class Evaluator:
    """Evaluates networks of one supernet on one split of a data set.

    Args:
        supernet: whose networks.
        card: tells the normalisation and the order of classes.
        data: its training images recalibrate, those of ``split`` are classified.
        split: "test", "validation" or "train".
        recalibration: of each network's batch norm.
        batch: images at a time; on a CPU as many as suit its caches unless given.
        device: of torch: "cpu", "cuda", "cuda:1".

    Attributes:
        classes: names, in the order of the outputs.

    Raises:
        UsageError: the data have other classes, or no images in that split.
    """

    def __init__(
        self,
        supernet: Supernet,
        card: SupernetCard,
        data: DataSet,
        *,
        split: str = "test",
        recalibration: Recalibration | None = None,
        batch: int | None = None,
        device: str = "cpu",
    ) -> None:
        card.require_data(data)
        self._supernet: Supernet = supernet.eval().to(device)
        self._card = card
        self._data = data
        self._split = data.split(split)
        self._batch = batch or _batch_for(data.image_shape, device)
        self._device = device
        self.recalibration = recalibration or Recalibration()
        self.classes = card.classes if card.data else data.classes
        if not self.recalibration.images:
            logger.warning(
                "Batch norm is not recalibrated: accuracies are by statistics of no network in "
                "particular, and lower: by 1 to 32 points where that was measured."
            )

    def evaluate(self, genes: Genes) -> Evaluation:
        """Recalibrate and evaluate the network ``(n_genes,)``.

        Raises:
            UsageError: a gene is outside its choices.
            NasprofError: its weights give no numbers.
        """
        start = time.process_time()
        subnet = self.recalibrated(genes)
        recalibrated = time.process_time()
        measured = accuracy(self.logits(subnet), self.labels)
        return Evaluation(
            accuracy=measured,
            recalibrated_on=len(self._chosen),
            cpu_s=time.process_time() - start,
            recalibration_cpu_s=recalibrated - start,
        )

    def inherited(self, genes: Genes) -> Accuracy:
        """The accuracy of the network ``(n_genes,)`` by the statistics that it shares with all.

        Raises:
            UsageError: a gene is outside its choices.
            NasprofError: its weights give no numbers.
        """
        return accuracy(self.logits(self._supernet.subnet(genes)), self.labels)

    def recalibrated(self, genes: Genes) -> Subnet:
        """The network ``(n_genes,)`` with batch-norm statistics of its own."""
        return self.recalibrate(self._supernet.subnet(genes))

    def recalibrate(self, subnet: Subnet) -> Subnet:
        """The same network with batch-norm statistics of the training images."""
        return subnet.recalibrated(self._calibration) if len(self._chosen) else subnet

    def logits(self, subnet: Subnet) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        """What a network says of every image of the split: ``(n, classes)``."""
        with torch.inference_mode():
            network = subnet.folded()
            parts: Sequence[Tensor] = [
                network(images.to(self._device)).float().cpu()
                for images, _ in batches(self._split, self._card.normalisation, self._batch)
            ]
        logits: np.ndarray[tuple[int, int], np.dtype[np.float32]] = torch.cat(list(parts)).numpy()
        return logits

    @cached_property
    def labels(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Numbers of the right outputs ``(n,)``: the supernet's order of classes."""
        return self._card.outputs_of(self._data)[self._split.labels]

    @cached_property
    def _chosen(self) -> Indices:
        return self.recalibration.choose(len(self._data.train))

    @cached_property
    def _calibration(self) -> list[Tensor]:
        return [
            images.to(self._device)
            for images, _ in batches(
                self._data.train,
                self._card.normalisation,
                self.recalibration.batch,
                self._chosen,
            )
            if len(images) > 1
        ]


def _batch_for(image_shape: tuple[int, int, int], device: str) -> int:
    if device != "cpu":
        return _LARGEST_BATCH
    height, width, _ = image_shape
    return min(max(_CACHED_PIXELS // (height * width), 1), _LARGEST_BATCH)
