"""Model files that their users bring: what they say of the inputs, and what the files tell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from devices import DeviceError, ModelDetails
from devices.runner.inputs import shown
from devices.runner.tensors import TensorInfo
from nasprof.errors import UsageError
from profiler.model_files.architectures import unique_names
from profiler.model_files.model_file import ModelFile


def own_files(paths: Sequence[Path], stated: ModelDetails) -> list[ModelFile]:
    """Model files to be measured, named after themselves.

    Args:
        stated: what their user says of the inputs of all.

    Raises:
        UsageError: a file is missing, or one that belongs to it, or no model has a name that was
            said.
    """
    names = unique_names(path.name for path in paths)
    read = [_read(path, replace(stated, foreign=True)) for path in paths]
    _check_names({path: tensors for path, (_, tensors) in zip(paths, read, strict=True)}, stated)
    return [
        ModelFile(name, path, details=details)
        for name, path, (details, _) in zip(names, paths, read, strict=True)
    ]


def own_details(path: Path, stated: ModelDetails) -> ModelDetails:
    """What is said of a model file, with what it tells itself.

    Raises:
        UsageError: it is missing, or a file that belongs to it.
    """
    return _read(path, stated)[0]


def _read(path: Path, stated: ModelDetails) -> tuple[ModelDetails, list[TensorInfo] | None]:
    """What is known of a model file, and its inputs; None where it does not tell these.

    A ``.tflite`` file is not opened unless names that were said are to be looked for in it.
    """
    if not path.is_file():
        raise UsageError(f"model file {path} does not exist")
    if path.suffix == ".onnx":
        return _read_onnx(path, stated)
    if path.suffix == ".tflite" and (stated.shapes or stated.values or stated.sizes):
        from devices.tflite_inputs import read_graph

        with suppress(DeviceError):
            graph = read_graph(path, stated.signature)
            return stated, None if graph is None else graph.tensors
    return stated, None


def _read_onnx(path: Path, stated: ModelDetails) -> tuple[ModelDetails, list[TensorInfo] | None]:
    from profiler.model_files.onnx_file import (
        external_files,
        inputs_of,
        rankless_inputs,
        read_onnx,
    )
    from profiler.model_files.onnx_values import known_values

    model = read_onnx(path)
    if model is None:
        return stated, None
    details = replace(
        stated,
        known=known_values(model),
        rankless=rankless_inputs(model),
        companions=external_files(model, path),
    )
    return details, inputs_of(model)


def _check_names(tensors_of: Mapping[Path, list[TensorInfo] | None], stated: ModelDetails) -> None:
    """Look whether every name that was said is one of a model."""
    known = {name for tensors in tensors_of.values() for name in _names(tensors or ())}
    lacking = [
        name for name in (*stated.shapes, *stated.values, *stated.sizes) if name not in known
    ]
    # What a file does not tell here, the runtime says where it cannot be loaded.
    if lacking and None not in tensors_of.values():
        inputs = "; ".join(
            f"{path.name}: {_words(tensors or ())}" for path, tensors in tensors_of.items()
        )
        raise UsageError(
            f"no model has an input or open size called {lacking[0]!r}", f"There are: {inputs}."
        )


def _words(tensors: Iterable[TensorInfo]) -> str:
    return ", ".join(f"{tensor.name} {shown(tensor)}" for tensor in tensors)


def _names(tensors: Iterable[TensorInfo]) -> Iterator[str]:
    for tensor in tensors:
        yield tensor.name
        yield from (size for size in tensor.sizes if isinstance(size, str))
