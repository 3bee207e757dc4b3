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
    from supernets.evaluation import Evaluation, Evaluator, Recalibration
    from supernets.subnet import Subnet
    from supernets.supernet import Supernet

__all__ = [
    "DataSet",
    "Evaluation",
    "Evaluator",
    "Recalibration",
    "Subnet",
    "Supernet",
    "SupernetCard",
    "read_data",
    "read_supernet",
    "write_supernet",
]

_ORIGINS = {
    "DataSet": "supernets.data",
    "Evaluation": "supernets.evaluation",
    "Evaluator": "supernets.evaluation",
    "Recalibration": "supernets.evaluation",
    "Subnet": "supernets.subnet",
    "Supernet": "supernets.supernet",
    "SupernetCard": "supernets.card",
    "read_data": "supernets.data",
    "read_supernet": "supernets.checkpoint",
    "write_supernet": "supernets.checkpoint",
}
if not TYPE_CHECKING:
    __getattr__ = lazily(__name__, _ORIGINS)


def __dir__() -> list[str]:
    return sorted(__all__)
