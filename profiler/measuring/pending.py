"""Models whose files are made when their turn to be measured comes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from devices.digest import model_size
from nasprof.typing import JsonObject
from profiler.lowering import Lowered, formats
from profiler.model_files.architectures import NamedArch
from profiler.model_files.lowered import LoweringOptions, lower_arch
from profiler.model_files.model_file import ModelFile
from profiler.model_files.models import NamedModel
from profiler.model_files.torch_models import TorchModel, write_module

_BYTES = {"int8": 1, "fp16": 2}
"""Of a parameter, by precision; else 4."""
# What loading takes of a model file's size (measured with 10 and 20 networks of OFA's space).
_IN_MEMORY = {".onnx": 1.6, ".tflite": 2.7}
_IN_MEMORY_ELSE = 2.0


@dataclass(frozen=True)
class PendingModel:
    """A model to be measured, whose file is made when its turn comes.

    Args:
        name: unique among all.
        make: makes the file in a folder, or names one that is there.
        file_bytes: size of the file, about.
        run_bytes: what running it takes besides, about.
        suffix: of the file.
        written: whether ``make`` writes it.
    """

    name: str
    make: Callable[[Path], ModelFile]
    file_bytes: int
    suffix: str
    run_bytes: int = 0
    written: bool = True

    @property
    def memory_bytes(self) -> int:
        """What it takes in memory, about."""
        factor = _IN_MEMORY.get(self.suffix, _IN_MEMORY_ELSE)
        return int(factor * self.file_bytes) + self.run_bytes

    @property
    def disk_bytes(self) -> int:
        """What it takes in temporary files, about."""
        return self.file_bytes if self.written else 0


def pending_model(model: NamedModel, format: str, options: LoweringOptions) -> PendingModel:
    """A model of any sort.

    Args:
        format: what architectures and modules are written as.
        options: how they are.
    """
    if isinstance(model, ModelFile):
        size = model_size(model.path, model.details.companions)
        return PendingModel(model.name, lambda _: model, size, model.path.suffix, written=False)
    suffix = formats.get(format).suffix
    make = partial(_lowered, model, format, options)
    if isinstance(model, TorchModel):
        return PendingModel(model.name, make, 4 * model.params, suffix)
    genes = model.genes[None]
    return PendingModel(
        model.name,
        make,
        int(model.space.params(genes)[0]) * _BYTES.get(options.precision, 4),
        suffix,
        int(model.space.peak_memory(genes)[0]) * options.batch,
    )


def _lowered(
    model: NamedArch | TorchModel, format: str, options: LoweringOptions, folder: Path
) -> ModelFile:
    if isinstance(model, TorchModel):
        written = write_module(model, format, options.precision, folder)
        return ModelFile(model.name, written.path, None, _facts(written) | {"weights": "own"})
    written = lower_arch(model, format, options, folder)
    network = model.network
    facts = _facts(written) | {
        "weights": options.source,
        "seed": options.seed,
        "macs": network.macs,
        "params": network.params,
    }
    return ModelFile(model.name, written.path, model.arch, facts)


def _facts(written: Lowered) -> JsonObject:
    return {
        "path": written.path.name,
        "precision": written.precision,
        "batch": written.batch,
        "drift_from_fp32": written.drift,
        **({} if written.pixels is None else {"pixels": written.pixels.to_dict()}),
    }
