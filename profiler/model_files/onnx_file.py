"""What an ONNX file tells of itself besides what a runtime says: its inputs, external weights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import onnx

from devices.runner.tensors import TensorInfo
from nasprof.errors import UsageError

MAX_BYTES = 2 << 30
"""Of a file that is looked into: what the format itself can hold."""


def read_onnx(path: Path) -> onnx.ModelProto | None:
    """The graph without external weights; None where the file is none that can be read.

    The runtime that refuses such a file says best what is wrong with it.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            return None
        return onnx.load(str(path), load_external_data=False)
    except Exception:  # whatever protobuf's implementations raise
        return None


def external_files(model: onnx.ModelProto, path: Path) -> tuple[Path, ...]:
    """Files that hold weights of the model, each once.

    Raises:
        UsageError: one is missing, or does not lie beside the model or below it.
    """
    files: dict[Path, None] = {}
    for tensor in _tensors(model):
        if tensor.data_location != onnx.TensorProto.EXTERNAL:
            continue
        location = next((e.value for e in tensor.external_data if e.key == "location"), "")
        inner = PurePosixPath(location)
        if not location or inner.is_absolute() or ".." in inner.parts:
            raise UsageError(
                f"{path}: weights of {tensor.name!r} are in {location!r}, "
                "expected a file beside the model"
            )
        files[path.parent / inner] = None
    for file in files:
        if not file.is_file():
            raise UsageError(
                f"{path} keeps its weights in {file}, which does not exist",
                "Put the file beside the model, under this name.",
            )
    return tuple(files)


def _tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    for graph in graphs(model.graph):
        yield from graph.initializer
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.HasField("t"):
                    yield attribute.t
                yield from attribute.tensors


def graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """A graph and those inside its nodes."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            inner = [attribute.g] if attribute.HasField("g") else []
            for inner_graph in (*inner, *attribute.graphs):
                yield from graphs(inner_graph)


def inputs_of(model: onnx.ModelProto) -> list[TensorInfo]:
    """The model's inputs, without weights that are listed as such."""
    return [
        TensorInfo(
            info.name,
            [dim.dim_param or size_of(dim) for dim in info.type.tensor_type.shape.dim],
            onnx.TensorProto.DataType.Name(info.type.tensor_type.elem_type).lower(),
        )
        for info in tensor_inputs(model)
    ]


def rankless_inputs(model: onnx.ModelProto) -> tuple[str, ...]:
    """Names of tensors of which the model does not tell how many axes they have."""
    return tuple(
        info.name
        for info in tensor_inputs(model)
        if info.type.HasField("tensor_type") and not info.type.tensor_type.HasField("shape")
    )


def tensor_inputs(model: onnx.ModelProto) -> Iterator[onnx.ValueInfoProto]:
    """Declarations of the inputs, without weights that are listed as such."""
    inner = {tensor.name for tensor in model.graph.initializer}
    return (info for info in model.graph.input if info.name not in inner)


def size_of(dim: onnx.TensorShapeProto.Dimension) -> int | None:
    """The size of an axis, None where the model leaves it open."""
    return int(dim.dim_value) if dim.HasField("dim_value") else None
