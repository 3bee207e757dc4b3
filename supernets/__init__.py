"""Networks with weights: supernets that train, are evaluated, and give their networks away.

Importing this package loads no torch; its names do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nasprof.exports import lazily

if TYPE_CHECKING:
    from supernets.card import SupernetCard
    from supernets.checkpoint import read_supernet, write_supernet
    from supernets.data import DataSet, read_data
    from supernets.evaluation import Evaluation, Evaluator
    from supernets.recalibration import Recalibration
    from supernets.subnet import Subnet
    from supernets.supernet import Supernet
    from supernets.training.fine_tune import fine_tune
    from supernets.training.fine_tuning import FineTuning
    from supernets.training.job import train_supernet
    from supernets.training.options import TrainingOptions
    from supernets.training.recipe import Recipe
    from supernets.training.run import TrainingStatus
    from supernets.training.train import train
    from supernets.training.trained import TrainedSupernet
    from supernets.weights import SupernetWeights

__all__ = [
    "DataSet",
    "Evaluation",
    "Evaluator",
    "FineTuning",
    "Recalibration",
    "Recipe",
    "Subnet",
    "Supernet",
    "SupernetCard",
    "SupernetWeights",
    "TrainedSupernet",
    "TrainingOptions",
    "TrainingStatus",
    "fine_tune",
    "read_data",
    "read_supernet",
    "train",
    "train_supernet",
    "write_supernet",
]

_ORIGINS = {
    "DataSet": "supernets.data",
    "Evaluation": "supernets.evaluation",
    "Evaluator": "supernets.evaluation",
    "FineTuning": "supernets.training.fine_tuning",
    "Recalibration": "supernets.recalibration",
    "Recipe": "supernets.training.recipe",
    "Subnet": "supernets.subnet",
    "Supernet": "supernets.supernet",
    "SupernetCard": "supernets.card",
    "SupernetWeights": "supernets.weights",
    "TrainedSupernet": "supernets.training.trained",
    "TrainingOptions": "supernets.training.options",
    "TrainingStatus": "supernets.training.run",
    "fine_tune": "supernets.training.fine_tune",
    "read_data": "supernets.data",
    "read_supernet": "supernets.checkpoint",
    "train": "supernets.training.train",
    "train_supernet": "supernets.training.job",
    "write_supernet": "supernets.checkpoint",
}
if not TYPE_CHECKING:
    __getattr__ = lazily(__name__, _ORIGINS)


def __dir__() -> list[str]:
    return sorted(__all__)
