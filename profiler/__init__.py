"""From architectures to latency: measuring, lookup tables, predictions, model files.

One call a job: :func:`measure`, :func:`build_table`, :func:`audit`, :func:`predict`,
:func:`export`, :func:`fit_latency`. Names are imported when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nasprof.exports import lazily

if TYPE_CHECKING:
    from profiler.api.describe import Description, Descriptions, describe
    from profiler.api.environment import (
        DeviceStatus,
        DeviceStatuses,
        environment,
        list_devices,
    )
    from profiler.api.export import ExportedFile, Exports, export
    from profiler.model_files.architectures import NamedArch
    from profiler.model_files.lowered import LoweringOptions
    from profiler.model_files.torch_models import TorchModel

__all__ = [
    "Description",
    "Descriptions",
    "DeviceStatus",
    "DeviceStatuses",
    "ExportedFile",
    "Exports",
    "LoweringOptions",
    "NamedArch",
    "TorchModel",
    "describe",
    "environment",
    "export",
    "list_devices",
]

_ORIGINS = {
    "Description": "profiler.api.describe",
    "Descriptions": "profiler.api.describe",
    "DeviceStatus": "profiler.api.environment",
    "DeviceStatuses": "profiler.api.environment",
    "ExportedFile": "profiler.api.export",
    "Exports": "profiler.api.export",
    "LoweringOptions": "profiler.model_files.lowered",
    "NamedArch": "profiler.model_files.architectures",
    "TorchModel": "profiler.model_files.torch_models",
    "describe": "profiler.api.describe",
    "environment": "profiler.api.environment",
    "export": "profiler.api.export",
    "list_devices": "profiler.api.environment",
}
if not TYPE_CHECKING:
    __getattr__ = lazily(__name__, _ORIGINS)


def __dir__() -> list[str]:
    return sorted(__all__)
