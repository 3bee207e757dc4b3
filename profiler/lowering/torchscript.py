"""Writing and running TorchScript files; see ``profiler.lowering.torch_format``."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from devices.runner.adapters.torch_adapter import INPUTS_ENTRY
from nasprof.normalisation import Normalisation
from profiler.lowering.fold import AnyInput, Array, checked_fold, merge_equal
from profiler.lowering.module import ProgramModule
from profiler.lowering.options import FileOptions
from spaces.fold import Weights, folded_program
from spaces.graph import Network


def encode(network: Network, weights: Weights, options: FileOptions) -> bytes:
    """The file's content; its extra entry lists the inputs' names, shapes and types."""
    program = merge_equal(network.program())
    program, arrays = folded_program(program, weights, checked_fold(program, weights))
    module: nn.Module = ProgramModule(program, program.ops, arrays)
    if options.precision == "fp16":
        module = _Half(module)
    dtype = torch.float32
    if options.pixels is not None:
        channels = network.inputs[0][2]
        module, dtype = _Normalised(module, options.pixels, channels), torch.uint8
    inputs = [
        torch.zeros(options.batch, c, h, w, dtype=dtype) for h, w, c in program.inputs.values()
    ]
    described = [
        {"name": name, "shape": list(value.shape), "dtype": str(dtype).removeprefix("torch.")}
        for name, value in zip(program.inputs, inputs, strict=True)
    ]
    target = io.BytesIO()
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(module, tuple(inputs), check_trace=False)
        torch.jit.save(traced, target, _extra_files={INPUTS_ENTRY: json.dumps(described)})
    return target.getvalue()


def run(path: Path, batches: Sequence[Sequence[AnyInput]]) -> list[Array]:
    """The file's outputs for batches of inputs ``(batch, h, w, c)``."""
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        module = torch.jit.load(str(path))
        return [_channels_last(module(*map(_channels_first, batch))) for batch in batches]


def _channels_first(array: AnyInput) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array.transpose(0, 3, 1, 2)))


def _channels_last(output: Tensor) -> Array:
    output = output.permute(0, 2, 3, 1) if output.dim() == 4 else output
    array: Array = output.numpy()
    return array


class _Half(nn.Module):  # type: ignore[misc]
    """A module that computes in float16 and takes and gives float32."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module.half()

    def forward(self, *inputs: Tensor) -> Tensor:
        result: Tensor = self.module(*(value.half() for value in inputs))
        return result.float()


class _Normalised(nn.Module):  # type: ignore[misc]
    """A module that takes pixels."""

    def __init__(self, module: nn.Module, pixels: Normalisation, channels: int) -> None:
        super().__init__()
        self.module = module
        scale, shift = (
            torch.from_numpy(factor)[:, None, None] for factor in pixels.factors(channels)
        )
        self.register_buffer("scale", scale)
        self.register_buffer("shift", shift)

    def forward(self, image: Tensor) -> Tensor:
        result: Tensor = self.module(image.float() * self.scale + self.shift)
        return result
