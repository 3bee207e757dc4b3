"""Runtimes report to nobody: whatever loads one loads it from here, or sets ``SILENT`` first.

ONNX Runtime 1.31 starts its telemetry when it is imported: an identifier and a database under the
user's cache folder, a file in the temporary folder, look-ups of a collector's name, a thread.
"""

from __future__ import annotations

import os
from typing import Any

SILENT = {"ORT_DISABLE_TELEMETRY": "1"}
"""Environment variables by which runtimes are told to report nothing."""


def silence() -> None:
    """Have every runtime that is imported from now on, here and in child processes, be silent."""
    os.environ.update(SILENT)


def silent_onnxruntime() -> Any:
    """The package ``onnxruntime``, which reports nothing unless it was imported before."""
    silence()
    import onnxruntime

    # Versions whose telemetry the variable does not reach: those for Windows.
    if hasattr(onnxruntime, "disable_telemetry_events"):
        onnxruntime.disable_telemetry_events()
    return onnxruntime
