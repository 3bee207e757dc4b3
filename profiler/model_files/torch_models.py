"""Torch modules of one's own as model files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nasprof.errors import UsageError
from nasprof.reader import brief
from profiler.lowering import Lowered, formats

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class TorchModel:
    """A torch module of one's own, with inputs that tell their shapes and types.

    Args:
        module: exported in evaluation mode; its mode is restored.
        inputs: a tensor, batch included, or one for each input; their shapes become fixed.
        name: what files and measurements are called after.

    Raises:
        UsageError: there are no inputs, or the name is none for a file.
    """

    module: torch.nn.Module
    inputs: torch.Tensor | Sequence[torch.Tensor]
    name: str = "module"

    def __post_init__(self) -> None:
        if isinstance(self.inputs, list | tuple) and not self.inputs:
            raise UsageError("a torch model needs inputs of the shapes that it is to run on")
        if not self.name or self.name != Path(self.name).name:
            raise UsageError(f"{brief(self.name)} is no name for a model file")

    @property
    def params(self) -> int:
        """How many parameters it has."""
        return sum(parameter.numel() for parameter in self.module.parameters())


def write_module(model: TorchModel, format: str, precision: str, folder: Path) -> Lowered:
    """Write a module into a folder, named after itself.

    Args:
        format: "onnx" (``torch.onnx.export``), "tflite" (litert-torch, if installed) or "torch".
        precision: fp32, or it is refused.

    Raises:
        UsageError: another precision, an unknown format, or litert-torch is not installed.
        NasprofError: the exporter cannot express the module.
    """
    from profiler.lowering.user_module import export_module

    if precision != "fp32":
        raise UsageError(
            f"torch module {model.name!r} cannot be written at precision {precision!r}",
            "Modules of one's own are written at fp32. Quantize the file with its runtime's tools.",
        )
    path = folder / f"{model.name}{formats.get(format).suffix}"
    return export_module(model.module, model.inputs, path, format)
