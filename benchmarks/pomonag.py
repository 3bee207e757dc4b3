"""Diffusion over architectures, measured: python benchmarks/pomonag.py PART.

Each part is a file ``pomonag_PART.py``, prints one table and writes JSON. ``NB`` is NAS-Bench-201:
accuracies on CIFAR-100, latencies of a Raspberry Pi 4; ``MB`` is OFA-MobileNetV3 w1.0 at 224: the
shipped accuracy model and table of ONNX Runtime. HV2 and HV4 are hypervolumes in accuracy and
latency, and in parameters and MACs as well, as shares of the best-known front's; times are CPU
seconds of one thread.
"""

from __future__ import annotations

from parts import run_part

if __name__ == "__main__":
    run_part("pomonag", __doc__)
