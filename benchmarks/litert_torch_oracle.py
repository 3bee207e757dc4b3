"""Compare our TFLite files with those of litert-torch, Google's converter for torch modules.

litert-torch and what it pulls in need an environment of their own (about 2 GB):

    python -m venv oracle
    oracle/bin/pip install "litert-torch" "torch==2.13.0" --extra-index-url \
        https://download.pytorch.org/whl/cpu
    PYTHONPATH=. oracle/bin/python benchmarks/litert_torch_oracle.py

Prints one JSON object a network; exits with 1 if an output differs by more than 1e-5 of the
largest one, or if our file has a TRANSPOSE.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from profiler.lowering import lower
from profiler.lowering.module import build_module
from profiler.lowering.user_module import export_module
from spaces import get_space
from spaces.graph import Network
from spaces.weights import random_weights

TOLERANCE = 1e-5
RUNS = 30


def networks() -> Iterator[tuple[str, Network]]:
    """Two networks of each space."""
    for space in (get_space("ofa-mbv3", resolution=224), get_space("nasbench201")):
        for number, genes in enumerate(space.sample(2, np.random.default_rng(0))):
            yield f"{space.settings['space']} {number}", space.network(genes)


def compare(name: str, network: Network, folder: Path) -> dict[str, Any]:
    """Export one network both ways, run both files, and say how they differ."""
    weights = random_weights(network, np.random.default_rng(0))
    image = np.random.default_rng(1).standard_normal((1, *network.inputs[0]), np.float32)
    tensor = torch.from_numpy(image.transpose(0, 3, 1, 2).copy())
    module = build_module(network, weights)
    ours, ours_s = timed(lambda: lower(network, weights, folder / "ours.tflite", "tflite"))
    theirs, theirs_s = timed(
        lambda: export_module(module, tensor, folder / "theirs.tflite", "tflite")
    )
    own = execute(ours.path, image)
    other = execute(theirs.path, tensor.numpy())
    difference = np.abs(own["output"] - other["output"]).max() / np.abs(other["output"]).max()
    return {
        "network": name,
        "relative_difference": float(difference),
        "export_cpu_s": {"ours": ours_s, "litert-torch": theirs_s},
        "latency_cpu_ms": {"ours": own["ms"], "litert-torch": other["ms"]},
        "size_bytes": {"ours": ours.size_bytes, "litert-torch": theirs.size_bytes},
        "operators": {"ours": own["operators"], "litert-torch": other["operators"]},
    }


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    """The result, and the CPU time it took in seconds."""
    start = time.process_time()
    result = call()
    return result, round(time.process_time() - start, 3)


def execute(path: Path, inputs: np.ndarray) -> dict[str, Any]:
    """Output, median CPU time of a run in ms, and operators by number."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path), num_threads=1)
    operators = Counter(op["op_name"] for op in interpreter._get_ops_details())
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], inputs)
    times = []
    for _ in range(RUNS):
        start = time.thread_time()
        interpreter.invoke()
        times.append(1e3 * (time.thread_time() - start))
    output = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    return {
        "output": output,
        "ms": round(statistics.median(times), 3),
        "operators": dict(operators),
    }


def main() -> int:
    """Compare every network; the exit code says whether all agree."""
    agree = True
    for name, network in networks():
        with tempfile.TemporaryDirectory() as folder:
            result = compare(name, network, Path(folder))
        print(json.dumps(result), flush=True)
        agree &= result["relative_difference"] < TOLERANCE
        agree &= "TRANSPOSE" not in result["operators"]["ours"]
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
