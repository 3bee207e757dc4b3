"""Android devices and Linux boards over the Android Debug Bridge (ADB), by TCP or USB.

Of what tools print that one has run oneself, :func:`parse_benchmark` reads ``benchmark_model``'s
(TensorFlow Lite's and LiteRT's), and :func:`parse_perf_test` ``onnxruntime_perf_test``'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nasprof.exports import lazily

if TYPE_CHECKING:
    from devices.adb.benchmark_output import BenchmarkResult, parse_benchmark
    from devices.adb.onnxruntime_output import PerfTestResult, parse_perf_test

__all__ = ["BenchmarkResult", "PerfTestResult", "parse_benchmark", "parse_perf_test"]

_ORIGINS = {
    "BenchmarkResult": "devices.adb.benchmark_output",
    "PerfTestResult": "devices.adb.onnxruntime_output",
    "parse_benchmark": "devices.adb.benchmark_output",
    "parse_perf_test": "devices.adb.onnxruntime_output",
}
if not TYPE_CHECKING:
    __getattr__ = lazily(__name__, _ORIGINS)


def __dir__() -> list[str]:
    return sorted(__all__)
