"""Accuracy of architectures without training them: the call behind ``nassearch predict``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from nasprof.results import Records
from nasprof.typing import JsonObject
from profiler.model_files.architectures import ArchLike, named_archs
from search.accuracy.base import AccuracyModel, warn_of_doubts
from search.accuracy.files import read_accuracy_model


@dataclass(frozen=True)
class AccuracyPrediction:
    """What a model says of an architecture.

    Args:
        name: of the architecture.
        space: its label.
        top1: in percent.
        std: standard deviation of the prediction's error in points; None where the model does not
            know it.
    """

    name: str
    space: str
    top1: float
    std: float | None

    def to_dict(self) -> JsonObject:
        """As JSON."""
        return asdict(self)


class AccuracyPredictions(Records[AccuracyPrediction]):
    """A prediction an architecture, in order.

    Args:
        model: that made them.
    """

    def __init__(self, model: AccuracyModel, results: Iterable[AccuracyPrediction]) -> None:
        super().__init__(results)
        self.model = model


def predict_accuracy(
    archs: ArchLike | Iterable[ArchLike], accuracy: str | Path | AccuracyModel = "imagenet"
) -> AccuracyPredictions:
    """Top-1 accuracy of architectures as a model predicts it.

    Args:
        archs: files of architectures, architectures as dicts, or spaces with genes ``(n_genes,)``
            or ``(n, n_genes)``; one or several.
        accuracy: a model, the name of one, or a file: ``.npz``, ``.pth``, or measured networks as
            ``.csv``.

    Returns:
        A prediction an architecture, in order.

    Raises:
        UsageError: naming the file or the architecture that is none, or the model that is missing.
        SpaceMismatch: the model is not of an architecture's space.

    >>> from spaces import get_space
    >>> space = get_space("ofa-mbv3")
    >>> (smallest,) = predict_accuracy((space, [0] * space.n_genes))
    >>> 70 < smallest.top1 < 75
    True
    """
    named = named_archs(archs)
    model = accuracy if isinstance(accuracy, AccuracyModel) else read_accuracy_model(accuracy)
    predictions = []
    for arch in named:
        genes = arch.genes[None]
        top1, std = model.top1(genes, arch.space), model.std(genes, arch.space)
        predictions.append(
            AccuracyPrediction(
                arch.name, arch.space.label, float(top1[0]), None if std is None else float(std[0])
            )
        )
    warn_of_doubts(model)
    return AccuracyPredictions(model, predictions)
