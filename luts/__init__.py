"""Cost models: what each block of a space costs on a device, and what networks cost there."""

from __future__ import annotations

from luts.agreement import CONFIDENCES, NO_BOUND, Agreement, Bound, Calibration, agreement
from luts.audit import Audit, Measured
from luts.cost_model import CostModel, Extremes, cost_models
from luts.entry import Entry
from luts.errors import BudgetImpossible, CostModelInvalid, MissingEntries, SpaceMismatch
from luts.files import (
    cost_model_files,
    open_cost_model,
    read_cost_model,
    write_cost_model,
)
from luts.formats.transfer import ExportedTable, ImportedTable, export_table, import_table
from luts.speed import TABLE_SPEED, Sentinel, Speed, sentinel_of
from luts.table import LookupTable

__all__ = [
    "CONFIDENCES",
    "NO_BOUND",
    "TABLE_SPEED",
    "Agreement",
    "Audit",
    "Bound",
    "BudgetImpossible",
    "Calibration",
    "CostModel",
    "CostModelInvalid",
    "ExportedTable",
    "Entry",
    "Extremes",
    "ImportedTable",
    "LookupTable",
    "Measured",
    "MissingEntries",
    "Sentinel",
    "SpaceMismatch",
    "Speed",
    "agreement",
    "cost_model_files",
    "cost_models",
    "export_table",
    "import_table",
    "open_cost_model",
    "read_cost_model",
    "sentinel_of",
    "write_cost_model",
]
