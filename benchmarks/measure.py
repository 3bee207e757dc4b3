"""How good a measurement on this machine's CPU is.

- Repeatability: coefficient of variation (CV) over fresh processes, each of which measures the
  three examples, on an idle machine and next to a busy loop: of the trimmed mean by both clocks, of
  the minimum, and of the multiple of the sentinel; and how many runs were flagged. The sentinel's
  own CV tells how steady the machine was.
- Overhead: time the harness spends beside running models, as a share of timed work.
- Export: CPU time to write a 224-pixel network in each format.

Run on an idle machine: python benchmarks/measure.py
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from common import report

from devices import Backend, RunSettings, find_profile, open_device
from profiler.lowering import FileOptions, lower
from profiler.measuring.measure import measure_files
from profiler.measuring.protocol import parse_protocol
from profiler.measuring.request import Listeners, MeasureRequest
from profiler.measuring.status import Status
from profiler.model_files.architectures import named_archs
from profiler.model_files.lowered import LoweringOptions, lower_arch
from profiler.model_files.model_file import ModelFile
from profiler.model_files.references import reference_files
from spaces.weights import random_weights

EXAMPLES = Path(__file__).parents[1] / "examples"
ARCH = EXAMPLES / "medium.json"
ARCHS = [EXAMPLES / f"{name}.json" for name in ("small", "medium", "large")]
RUNTIMES = {"onnxruntime": "onnx", "litert": "tflite"}


@contextlib.contextmanager
def busy_loop() -> Iterator[None]:
    """Another process that keeps one core busy."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    os.sched_setaffinity(process.pid, {max(os.sched_getaffinity(0))})
    try:
        yield
    finally:
        process.kill()
        process.wait()


def fresh_measurement(runtime: str, protocol: str) -> tuple[float, list[dict[str, Any]]]:
    """One ``nasprof measure`` of the examples in a process of its own, and its seconds."""
    command = [str(Path(sys.executable).with_name("nasprof")), "measure", "--json"]
    command += ["--runtime", runtime, "--protocol", protocol, "--arch", *map(str, ARCHS)]
    before = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    records: list[dict[str, Any]] = json.loads(done.stdout)
    return time.monotonic() - before, records


def cv(values: list[float]) -> float:
    return statistics.stdev(values) / statistics.mean(values)


QUANTITIES: dict[str, Callable[[dict[str, Any]], float]] = {
    "wall": lambda record: record["latency_ms"]["trimmed_mean"],
    "cpu": lambda record: record["cpu_ms"]["trimmed_mean"],
    "min": lambda record: record["latency_ms"]["min"],
    "multiple": lambda record: record["multiples"]["wall"],
    "cpu multiple": lambda record: record["multiples"]["cpu"],
    "sentinel": lambda record: record["sentinel"]["latency_ms"]["wall"],
}


def repeatability(runtime: str, protocol: str, repeats: int) -> dict[str, Any]:
    """CV of each quantity of each example over fresh processes, and the flags seen."""
    taken = [fresh_measurement(runtime, protocol) for _ in range(repeats)]
    by_example = list(zip(*(records for _, records in taken), strict=True))
    values = {
        name: [[quantity(record) for record in records] for records in by_example]
        for name, quantity in QUANTITIES.items()
    }
    every = [record["flags"] for _, records in taken for record in records]
    return {
        "seconds": [seconds for seconds, _ in taken],
        "values": values,
        "cv": {name: [cv(each) for each in of] for name, of in values.items()},
        "flags": every,
        "flagged": sum(bool(flags) for flags in every),
        "contended": sum("contended" in flags for flags in every),
        "drift": sum("drift" in flags for flags in every),
    }


def harness_overhead(runtime: str) -> float:
    """Time spent on anything but running models, as a share of timed work."""
    seen: list[Status] = []
    with tempfile.TemporaryDirectory() as folder:
        (arch,) = named_archs(ARCH)
        path = lower_arch(arch, RUNTIMES[runtime], LoweringOptions(), Path(folder)).path
        sentinel, empty = reference_files(RUNTIMES[runtime], Path(folder))
        request = MeasureRequest(
            Backend(open_device(find_profile("cpu")), RunSettings(runtime)),
            parse_protocol("fixed"),
            np.random.default_rng(0),
            sentinel,
            empty,
            Listeners(seen.append),
        )
        (result,) = measure_files([ModelFile("model", path)], request)
    protocol = result.protocol
    timed_ms = sum(
        sum(taken.wall_ms) + protocol.runs * ((taken.sentinel_ms or 0) + (taken.overhead_ms or 0))
        for taken in result.rounds
    )
    running_ms = timed_ms * (1 + protocol.warmup / protocol.runs)
    return (seen[-1].elapsed_s * 1000 - running_ms) / timed_ms


def cpu_seconds(function: Callable[[], Any], repeats: int = 5) -> float:
    """Median CPU time of a call, in seconds, after one to warm up."""
    times = []
    for _ in range(repeats + 1):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return statistics.median(times[1:])


def export_times() -> dict[str, float]:
    """CPU seconds to write the network, by format and precision."""
    (arch,) = named_archs(ARCH)
    network = arch.network
    weights = random_weights(network, np.random.default_rng(0))
    times = {"weights": cpu_seconds(lambda: random_weights(network, np.random.default_rng(0)))}
    with tempfile.TemporaryDirectory() as folder:
        for name, precision in (
            ("onnx", "fp32"), ("tflite", "fp32"), ("torch", "fp32"),
            ("onnx", "fp16"), ("tflite", "fp16"), ("onnx", "int8"), ("tflite", "int8"),
        ):  # fmt: skip
            path = Path(folder) / f"{name}-{precision}"
            repeats = 5 if precision == "fp32" else 1
            times[f"{name} {precision}"] = cpu_seconds(
                lambda p=path, f=name, q=precision: lower(network, weights, p, f, FileOptions(q)),
                repeats,
            )
    return times


def main() -> None:
    """Run everything and report it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--protocol", default="adaptive")
    parser.add_argument("--runtimes", nargs="*", default=list(RUNTIMES), choices=list(RUNTIMES))
    parser.add_argument("--idle", action="store_true", help="leave out the busy loop")
    given = parser.parse_args()
    rows, facts = [], {}
    exported = export_times()
    rows += [["export", name, f"{value:.3f} CPU s", ""] for name, value in exported.items()]
    conditions = ["idle"] if given.idle else ["idle", "busy loop on one core"]
    for runtime in given.runtimes:
        overhead = harness_overhead(runtime)
        facts[f"overhead {runtime}"] = overhead
        rows.append(["harness overhead", runtime, f"{overhead:.1%}", "goal: at most 10 %"])
        for condition in conditions:
            context = contextlib.nullcontext() if condition == "idle" else busy_loop()
            with context:
                found = repeatability(runtime, given.protocol, given.repeats)
            facts[f"{condition} {runtime}"] = found
            for name, of in found["cv"].items():
                each = ", ".join(f"{value:.2%}" for value in of)
                rows.append(
                    [
                        f"CV of {name}, {condition}",
                        runtime,
                        f"{statistics.mean(of):.2%}",
                        f"small, medium, large: {each}",
                    ]
                )
            rows.append([
                f"flagged, {condition}", runtime, f"{found['flagged']} of {len(found['flags'])}",
                f"{found['contended']} contended, {found['drift']} drift; "
                    f"{statistics.mean(found['seconds']):.0f} s a process",
            ])  # fmt: skip
    report(
        "measure", ("what", "of", "figure", "note"), rows,
        repeats=given.repeats, protocol=given.protocol, export_cpu_s=exported, **facts,
    )  # fmt: skip


if __name__ == "__main__":
    main()
