"""What a table over ADB costs beside running its models.

All blocks of ofa-mbv3 are loaded and measured in a few rounds with many short visits, through a
real Android debug daemon on loopback (tests/support/adbd) or on the device given by
``--serial``. The time from connecting to the end of the clean-up is compared with what the models
themselves took.

Run on an idle machine: python benchmarks/adb_rounds.py
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from common import report

from devices import RunSettings, Samples, Session, open_device
from devices.device_profile import Profile
from profiler.lowering import formats, lower
from spaces import get_space
from spaces.graph import Network
from spaces.weights import random_weights

RUNTIMES = {"litert": "tflite", "onnxruntime": "onnx"}
GOAL = 1.5


@contextlib.contextmanager
def device_at(serial: str | None) -> Iterator[str]:
    """The address of the device named, or of a daemon that runs while the context lasts."""
    if serial is not None:
        yield serial
        return
    sys.path.append(str(Path(__file__).parents[1] / "tests" / "support"))
    import peers

    # The user's own key of ADB is left alone.
    with tempfile.TemporaryDirectory() as home, peers.running_phone() as phone:
        os.environ["HOME"] = home
        yield phone.serial


def write_blocks(resolution: int, format_name: str, folder: Path) -> dict[str, Path]:
    """A model file for each block of the space."""
    models = {}
    for block in get_space("ofa-mbv3", resolution=resolution).vocabulary:
        network = Network.of(block)
        path = folder / f"{len(models)}{formats.get(format_name).suffix}"
        lower(network, random_weights(network, np.random.default_rng(0)), path, format_name)
        models[block.key] = path
    return models


def seconds(function: Callable[[], Any]) -> float:
    """Wall-clock time of a call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def round_order(names: list[str], visits: int, rng: np.random.Generator) -> list[str]:
    """Every model so many times, each time in another order."""
    return [names[i] for _ in range(visits) for i in rng.permutation(len(names))]


class Inference:
    """Adds up what the models themselves took, in seconds."""

    def __init__(self) -> None:
        self.warmup_s = self.timed_s = 0.0

    def __call__(self, name: str, samples: Samples) -> None:
        self.warmup_s += samples.context["warmup_ms"] / 1e3
        self.timed_s += sum(samples.wall_ms) / 1e3


def table_cost(
    serial: str, runtime: str, models: dict[str, Path], given: argparse.Namespace
) -> dict[str, Any]:
    """Seconds of each phase, and the totals."""
    profile = Profile("benchmark", "adb", options={"serial": serial, "runner": "json"})
    rng = np.random.default_rng(0)
    inference = Inference()
    start = time.perf_counter()
    session: Session = open_device(profile).open(RunSettings(runtime))
    opened = time.perf_counter() - start
    loaded = seconds(lambda: session.load(models))
    orders = [round_order(list(models), given.visits, rng) for _ in range(given.rounds)]
    rounds = [
        seconds(lambda o=order: session.run_round(o, given.warmup, given.runs, inference))
        for order in orders
    ]
    closed = seconds(session.close)
    total = time.perf_counter() - start
    pure = inference.warmup_s + inference.timed_s
    return {
        "runtime": runtime,
        "models": len(models),
        "megabytes": sum(path.stat().st_size for path in models.values()) / 1e6,
        "total_s": total,
        "inference_s": pure,
        "timed_s": inference.timed_s,
        "open_s": opened,
        "load_s": loaded,
        "rounds_s": rounds,
        "close_s": closed,
        "total_per_inference": total / pure,
        "total_per_timed": total / inference.timed_s,
    }


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serial", help="a device with Python, HOST:PORT or a USB serial")
    parser.add_argument("--runtime", action="append", choices=RUNTIMES)
    parser.add_argument("--resolution", type=int, default=224)
    parser.add_argument("--warmup", type=int, default=1)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--visits", type=int, default=17)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    found = []
    with tempfile.TemporaryDirectory() as folder, device_at(given.serial) as serial:
        for runtime in given.runtime or RUNTIMES:
            models = write_blocks(given.resolution, RUNTIMES[runtime], Path(folder))
            found.append(table_cost(serial, runtime, models, given))
    rows = [
        [
            cost["runtime"],
            f"{cost['total_s']:.1f}",
            f"{cost['inference_s']:.1f}",
            f"{cost['total_per_inference']:.2f}",
            f"{cost['total_per_timed']:.2f}",
            f"{cost['open_s']:.2f}",
            f"{cost['load_s']:.2f}",
            f"{sum(cost['rounds_s']) - cost['inference_s']:.1f}",
            f"{cost['close_s']:.2f}",
        ]
        for cost in found
    ]
    report(
        "adb_rounds",
        (
            "runtime", "total s", "inference s", f"total / inference (goal {GOAL})",
            "total / timed runs", "connect s", "push and try s", "beside runs in rounds s",
            "clean up s",
        ),
        rows, protocol=vars(given), costs=found,
    )  # fmt: skip


if __name__ == "__main__":
    main()
