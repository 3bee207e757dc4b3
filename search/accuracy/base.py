"""What every accuracy model offers."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, Self

from nasprof.log import logger
from nasprof.registry import Registry
from nasprof.typing import Array
from search.model_arrays import ModelArrays
from spaces import Genes, Space
from spaces.predictor import Predictor


class AccuracyModel(Predictor):
    """Predicts the top-1 accuracy of architectures."""

    alternative: ClassVar[str] = (
        "Take a model of that space, or fit one to your own measurements: nassearch fit --help"
    )
    additive: ClassVar[bool] = False
    """Whether the groups of genes in ``Space.parts`` contribute independently of each other."""

    @abstractmethod
    def top1(self, genes: Genes, space: Space | None = None) -> Array:
        """Predicted top-1 accuracy of each architecture in percent: ``(n,)``."""

    def std(self, genes: Genes, space: Space | None = None) -> Array | None:
        """Standard deviation of each prediction's error in points ``(n,)``; None if unknown."""
        return None

    @abstractmethod
    def as_arrays(self) -> ModelArrays:
        """As a file holds it."""

    @classmethod
    @abstractmethod
    def from_arrays(cls, stored: ModelArrays, name: str) -> Self:
        """From a file.

        Raises:
            UsageError: naming what is missing or wrong.
        """


accuracy_models: Registry[type[AccuracyModel]] = Registry(
    "kind of accuracy model",
    {
        "kernel": "search.accuracy.kernel:KernelAccuracy",
        "ofa-mlp": "search.accuracy.mlp:OfaMlp",
        "ridge": "search.accuracy.ridge:AdditiveAccuracy",
        "task": "search.tasks.accuracy:TaskAccuracy",
    },
)
"""One file a kind."""


def warn_of_doubts(model: AccuracyModel) -> None:
    """Say why predictions should be taken with care."""
    for doubt in model.doubts:
        logger.warning(f"Take {model.name!r} with care: {doubt}.")
