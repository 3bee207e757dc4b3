"""How good a measurement on this machine's CPU is.

- Repeatability: coefficient of variation (CV) of the trimmed mean over fresh processes, on an idle
  machine and next to a busy loop, by both clocks and as a multiple of the sentinel, and how many
  runs were flagged. The sentinel's own CV tells how steady the machine was.
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

from devices import RunSettings, find_profile, open_device
from profiler.lowering import lower
from profiler.measure import Status, measure
from profiler.models import LoweringOptions, lower_subject, read_subjects, reference_files
from profiler.protocol import parse_protocol
from profiler.records import Item
from spaces.weights import random_weights

ARCH = Path(__file__).parents[1] / "examples" / "medium.json"
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


def fresh_measurement(runtime: str, protocol: str) -> dict[str, Any]:
    """One ``nasprof measure`` in a process of its own."""
    command = [str(Path(sys.executable).with_name("nasprof")), "measure", "--json"]
    command += ["--arch", str(ARCH), "--runtime", runtime, "--protocol", protocol]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    record: dict[str, Any] = json.loads(done.stdout)[0]
    return record


def repeatability(runtime: str, protocol: str, repeats: int) -> dict[str, Any]:
    """CV of both clocks over fresh processes, and the flags seen."""
    records = [fresh_measurement(runtime, protocol) for _ in range(repeats)]
    values = {
        "wall": [record["latency_ms"]["trimmed_mean"] for record in records],
        "cpu": [record["cpu_ms"]["trimmed_mean"] for record in records],
        "min": [record["latency_ms"]["min"] for record in records],
        "normalised": [record["normalised"] for record in records],
    }
    values["sentinel"] = [
        wall / ratio for wall, ratio in zip(values["wall"], values["normalised"], strict=True)
    ]
    return {
        **values,
        **{f"{name}_cv": statistics.stdev(of) / statistics.mean(of) for name, of in values.items()},
        "flagged": sum(bool(record["flags"]) for record in records),
        "contended": sum("contended" in record["flags"] for record in records),
        "flags": [record["flags"] for record in records],
    }


def harness_overhead(runtime: str) -> float:
    """Time spent on anything but running models, as a share of timed work."""
    seen: list[Status] = []
    with tempfile.TemporaryDirectory() as folder:
        options = LoweringOptions(RUNTIMES[runtime])
        (subject,) = read_subjects([ARCH])
        path = lower_subject(subject, options, Path(folder)).path
        sentinel, empty = reference_files(options.format, Path(folder))
        (result,) = measure(
            open_device(find_profile("cpu")),
            RunSettings(runtime),
            [Item("model", path)],
            parse_protocol("fixed"),
            np.random.default_rng(0),
            sentinel=sentinel,
            empty=empty,
            progress=seen.append,
        )
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
    (subject,) = read_subjects([ARCH])
    network = subject.network
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
                lambda p=path, f=name, q=precision: lower(network, weights, p, f, q), repeats
            )
    return times


def main() -> None:
    """Run everything and report it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--protocol", default="fixed:rounds=50")
    given = parser.parse_args()
    rows, facts = [], {}
    exported = export_times()
    rows += [["export", name, f"{value:.3f} CPU s", ""] for name, value in exported.items()]
    for runtime in RUNTIMES:
        overhead = harness_overhead(runtime)
        facts[f"overhead {runtime}"] = overhead
        rows.append(["harness overhead", runtime, f"{overhead:.1%}", "goal: at most 10 %"])
        for condition in ("idle", "busy loop on one core"):
            context = contextlib.nullcontext() if condition == "idle" else busy_loop()
            with context:
                found = repeatability(runtime, given.protocol, given.repeats)
            facts[f"{condition} {runtime}"] = found
            rows.append([
                f"CV, {condition}", runtime,
                f"wall {found['wall_cv']:.2%}, CPU {found['cpu_cv']:.2%}, "
                    f"x sentinel {found['normalised_cv']:.2%}, min {found['min_cv']:.2%}",
                f"{found['contended']} of {given.repeats} contended, "
                    f"{found['flagged']} flagged; sentinel {found['sentinel_cv']:.2%}",
            ])  # fmt: skip
    report(
        "measure", ("what", "of", "figure", "note"), rows,
        repeats=given.repeats, protocol=given.protocol, export_cpu_s=exported, **facts,
    )  # fmt: skip


if __name__ == "__main__":
    main()
