"""Any torch module of the user's own as a model file."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from nasprof.errors import NasprofError, UsageError
from nasprof.files import write_atomic
from nasprof.registry import Registry
from nasprof.temporary import TemporaryFolder
from profiler.lowering.writing import Lowered, describe

if TYPE_CHECKING:
    import torch

Tensors: TypeAlias = "tuple[torch.Tensor, ...]"

OPSET = 17

exporters: Registry[Callable[[torch.nn.Module, Tensors], bytes]] = Registry(
    "model format",
    {
        "onnx": "profiler.lowering.user_module:_onnx",
        "tflite": "profiler.lowering.user_module:_tflite",
        "torch": "profiler.lowering.user_module:_torchscript",
    },
)


def export_module(
    module: torch.nn.Module,
    example_input: torch.Tensor | Sequence[torch.Tensor],
    path: Path,
    format: str,
) -> Lowered:
    """Write a torch module at fp32 for the shapes of its example input, which become fixed.

    Args:
        module: exported in evaluation mode; its mode is restored.
        example_input: a tensor, batch included, or one for each input.
        path: the file; replaced as a whole.
        format: "onnx" (``torch.onnx.export``), "tflite" (litert-torch, if installed) or "torch".

    Raises:
        UsageError: unknown format, or litert-torch is not installed.
        NasprofError: the exporter cannot express the module.
    """
    inputs = tuple(example_input) if isinstance(example_input, list | tuple) else (example_input,)
    export = exporters.get(format)
    training = module.training
    module.eval()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            content = export(module, inputs)
    except NasprofError:
        raise
    except Exception as error:
        raise NasprofError(
            f"the module cannot be exported as {format}: {str(error).strip().splitlines()[0]}",
            "See the exporter's own documentation for what it supports.",
        ) from error
    finally:
        module.train(training)
    write_atomic(path, content)
    return describe(path, content, format=format, precision="fp32", batch=int(inputs[0].shape[0]))


def _names(inputs: Tensors) -> list[str]:
    return ["input"] if len(inputs) == 1 else [f"input{i}" for i in range(len(inputs))]


def _onnx(module: torch.nn.Module, inputs: Tensors) -> bytes:
    import torch

    target = io.BytesIO()
    # The exporter based on torch.export needs onnxscript and is an order of magnitude slower.
    torch.onnx.export(
        module,
        inputs,
        target,
        dynamo=False,
        input_names=_names(inputs),
        output_names=["output"],
        opset_version=OPSET,
    )
    return target.getvalue()


def _torchscript(module: torch.nn.Module, inputs: Tensors) -> bytes:
    import torch

    from devices.runner.adapters.torch_adapter import INPUTS_ENTRY

    described = [
        {"name": name, "shape": list(value.shape), "dtype": str(value.dtype).split(".")[-1]}
        for name, value in zip(_names(inputs), inputs, strict=True)
    ]
    target = io.BytesIO()
    with torch.no_grad():
        traced = torch.jit.trace(module, inputs)
    torch.jit.save(traced, target, _extra_files={INPUTS_ENTRY: json.dumps(described)})
    return target.getvalue()


def _tflite(module: torch.nn.Module, inputs: Tensors) -> bytes:
    try:
        import litert_torch
    except ImportError as error:
        raise UsageError(
            "TFLite files of torch modules need litert-torch, which is not installed",
            "Run: pip install 'nasprof[litert-torch]', best in an environment of its own.",
        ) from error
    with TemporaryFolder() as folder:
        target = folder / "model.tflite"
        litert_torch.convert(module, inputs).export(str(target))
        return target.read_bytes()
