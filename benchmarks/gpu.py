"""Latency of 20 networks on an NVIDIA GPU at batch 1 and 64, by ONNX Runtime and torch.

Needs a GPU with ``onnxruntime-gpu`` or a CUDA build of torch: python benchmarks/gpu.py
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from common import report

from devices import Backend, RunSettings, find_profile, open_device
from profiler.lowering import FileOptions, lower
from profiler.measuring.measure import measure_files
from profiler.measuring.protocol import parse_protocol
from profiler.measuring.request import MeasureRequest
from profiler.model_files.formats import format_for
from profiler.model_files.model_file import ModelFile
from profiler.model_files.references import reference_files
from spaces import get_space
from spaces.weights import random_weights


def main() -> None:
    """Measure, print one table and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runtime", default="onnxruntime", choices=("onnxruntime", "torch"))
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--protocol", default="adaptive")
    given = parser.parse_args()
    space = get_space("ofa-mbv3")
    genes = space.sample(given.count, np.random.default_rng(0), "biased")
    device = open_device(find_profile("gpu"))
    format_name = format_for(given.runtime)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        sentinel, empty = reference_files(format_name, Path(folder))
        for batch in (1, 64):
            items = []
            for number, row in enumerate(genes):
                network = space.network(row)
                weights = random_weights(network, np.random.default_rng(0))
                path = Path(folder) / f"{number}-{batch}"
                lower(network, weights, path, format_name, FileOptions(batch=batch))
                items.append(ModelFile(str(number), path, space.decode(row[None])[0]))
            backend = Backend(device, RunSettings(given.runtime))
            protocol, rng = parse_protocol(given.protocol), np.random.default_rng(0)
            results = measure_files(items, MeasureRequest(backend, protocol, rng, sentinel, empty))
            rows += [
                [result.name, batch, round(space.macs(row[None])[0] / 1e6, 1),
                 round(result.latency_ms.trimmed_mean, 4),
                 round(result.latency_ms.relative_half_width, 4), " ".join(result.flags)]
                for row, result in zip(genes, results, strict=True)
            ]  # fmt: skip
    report(
        f"gpu-{given.runtime}", ("network", "batch", "M MACs", "latency ms", "±95 %", "flags"),
        rows, device=device.fingerprint(), archs=space.decode(genes),
    )  # fmt: skip


if __name__ == "__main__":
    main()
