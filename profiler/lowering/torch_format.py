"""torch files: TorchScript (``.pt``), inputs (n, c, h, w) in the network's order.

TorchScript rather than ``torch.export``: loading an exported program falls back to unpickling
whatever the file holds (torch 2.13, ``torch/export/pt2_archive``), and its format ties the file to
nearby versions of torch; ``torch.jit.load`` unpickles tensors and containers only. torch calls
TorchScript deprecated but ships it. Batch norm is folded. At fp16 the module computes in float16
between two casts, on devices that can.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from nasprof.errors import UsageError
from profiler.lowering.base import Format
from profiler.lowering.fold import AnyInput, Array
from profiler.lowering.options import FileOptions
from spaces.fold import Weights
from spaces.graph import Network


class TorchFormat(Format):
    """TorchScript, for torch on a CPU or an NVIDIA GPU."""

    suffix = ".pt"
    runtime = "torch"
    precisions = ("fp32", "fp16")

    def encode(self, network: Network, weights: Weights, options: FileOptions) -> bytes:
        content: bytes = _worker().encode(network, weights, options)
        return content

    def run(self, path: Path, batches: Sequence[Sequence[AnyInput]]) -> list[Array]:
        outputs: list[Array] = _worker().run(path, batches)
        return outputs


def _worker() -> ModuleType:
    """The module that does the work, imported late because torch is optional and slow to load."""
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise UsageError(
            "format 'torch' needs torch, which is not installed",
            "Run: pip install 'nasprof[torch]'",
        ) from error
    from profiler.lowering import torchscript

    return torchscript
