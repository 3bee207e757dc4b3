"""From architectures to latency: measuring, lookup tables, predictions, model files.

One call a job: :func:`measure`, :func:`build_table`, :func:`audit`, :func:`predict`,
:func:`export`, :func:`evaluate`, :func:`fit_latency`, :func:`describe`. Names are imported when
they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nasprof.exports import lazily

if TYPE_CHECKING:
    from devices import Target
    from nasprof.normalisation import Normalisation
    from profiler.api.audit import AuditedNetwork, AuditOptions, AuditReport, audit
    from profiler.api.describe import BlockDescription, Description, Descriptions, describe
    from profiler.api.environment import DeviceStatus, DeviceStatuses, environment, list_devices
    from profiler.api.evaluate import EvaluatedFile, EvaluatedFiles, evaluate
    from profiler.api.export import ExportedFile, Exports, export
    from profiler.api.fit import LatencyFit, fit_latency
    from profiler.api.measure import Measurements, TableSpeed, measure
    from profiler.api.predict import Prediction, Predictions, predict
    from profiler.api.table import TableOptions, build_table
    from profiler.measuring.interruption import Cancelled, Interrupted
    from profiler.measuring.protocol import Protocol, parse_protocol
    from profiler.measuring.records import Measurement
    from profiler.measuring.request import Listeners
    from profiler.measuring.saved import read_measurements
    from profiler.measuring.status import Status
    from profiler.model_files.architectures import NamedArch, named_archs
    from profiler.model_files.inputs import ModelInputs
    from profiler.model_files.lowered import LoweringOptions
    from profiler.model_files.torch_models import TorchModel
    from profiler.tables.progress import BuildProgress

__all__ = [
    "AuditOptions",
    "AuditReport",
    "AuditedNetwork",
    "BlockDescription",
    "Cancelled",
    "Description",
    "Descriptions",
    "DeviceStatus",
    "DeviceStatuses",
    "EvaluatedFile",
    "EvaluatedFiles",
    "ExportedFile",
    "Exports",
    "Interrupted",
    "LatencyFit",
    "Listeners",
    "LoweringOptions",
    "Measurement",
    "Measurements",
    "ModelInputs",
    "NamedArch",
    "Normalisation",
    "Prediction",
    "Predictions",
    "BuildProgress",
    "Protocol",
    "Status",
    "TableOptions",
    "TableSpeed",
    "Target",
    "TorchModel",
    "audit",
    "build_table",
    "describe",
    "environment",
    "evaluate",
    "export",
    "fit_latency",
    "list_devices",
    "measure",
    "named_archs",
    "parse_protocol",
    "predict",
    "read_measurements",
]

_ORIGINS = {
    "AuditOptions": "profiler.api.audit",
    "AuditReport": "profiler.api.audit",
    "AuditedNetwork": "profiler.api.audit",
    "BlockDescription": "profiler.api.describe",
    "Cancelled": "profiler.measuring.interruption",
    "Description": "profiler.api.describe",
    "Descriptions": "profiler.api.describe",
    "DeviceStatus": "profiler.api.environment",
    "DeviceStatuses": "profiler.api.environment",
    "EvaluatedFile": "profiler.api.evaluate",
    "EvaluatedFiles": "profiler.api.evaluate",
    "ExportedFile": "profiler.api.export",
    "Exports": "profiler.api.export",
    "Interrupted": "profiler.measuring.interruption",
    "LatencyFit": "profiler.api.fit",
    "Listeners": "profiler.measuring.request",
    "LoweringOptions": "profiler.model_files.lowered",
    "Measurement": "profiler.measuring.records",
    "Measurements": "profiler.api.measure",
    "ModelInputs": "profiler.model_files.inputs",
    "NamedArch": "profiler.model_files.architectures",
    "Normalisation": "nasprof.normalisation",
    "Prediction": "profiler.api.predict",
    "Predictions": "profiler.api.predict",
    "BuildProgress": "profiler.tables.progress",
    "Protocol": "profiler.measuring.protocol",
    "Status": "profiler.measuring.status",
    "TableOptions": "profiler.api.table",
    "TableSpeed": "profiler.api.measure",
    "Target": "devices",
    "TorchModel": "profiler.model_files.torch_models",
    "audit": "profiler.api.audit",
    "build_table": "profiler.api.table",
    "describe": "profiler.api.describe",
    "environment": "profiler.api.environment",
    "evaluate": "profiler.api.evaluate",
    "export": "profiler.api.export",
    "fit_latency": "profiler.api.fit",
    "list_devices": "profiler.api.environment",
    "measure": "profiler.api.measure",
    "named_archs": "profiler.model_files.architectures",
    "parse_protocol": "profiler.measuring.protocol",
    "predict": "profiler.api.predict",
    "read_measurements": "profiler.measuring.saved",
}
if not TYPE_CHECKING:
    __getattr__ = lazily(__name__, _ORIGINS)


def __dir__() -> list[str]:
    return sorted(__all__)
