"""What ``benchmark_model`` has to be told of a model's inputs, which it does not tell itself."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from devices.errors import RunnerRefused
from devices.runner.inputs import Inputs
from devices.runner.refusal import Refused
from devices.runner.tensors import TensorInfo
from devices.runner.values import FILE
from devices.settings import INPUT_SEED, ModelDetails
from nasprof.typing import JsonObject


@dataclass(frozen=True)
class ToolInputs:
    """How a model is run by the tool.

    Args:
        tensors: as :meth:`devices.Session.tensors` gives them.
        flags: of the tool, but for the files that inputs are read from.
        files: content of inputs that are read from files, by the name of the tensor.
    """

    tensors: JsonObject
    flags: tuple[str, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)

    def all_flags(self, path_of: Callable[[str], str]) -> list[str]:
        """All flags; ``path_of`` gives the path on the device of an input's file."""
        if not self.files:
            return list(self.flags)
        pairs = ",".join(f"{name}:{path_of(name)}" for name in self.files)
        return [*self.flags, f"--input_layer_value_files={pairs}"]


@dataclass(frozen=True)
class TfliteGraph:
    """Inputs of the graph that runs: names as the tensors have them, and as the user knows them."""

    tensors: list[TensorInfo]
    own_names: dict[str, str]
    signature: str | None
    signatures: list[str]


def tool_inputs(path: Path, details: ModelDetails) -> ToolInputs:
    """What the tool is to be told of a ``.tflite`` file.

    A file that cannot be read is left to the tool, which says what is wrong with it.

    Raises:
        RunnerRefused: the inputs cannot be as asked, or not with this tool.
    """
    graph = read_graph(path, details.signature)
    if graph is None:
        return ToolInputs({})
    files = {name: str(file.absolute()) for name, file in details.files.items()}
    inputs = Inputs(INPUT_SEED, details.request(files))
    try:
        arrays = inputs.arrays(graph.tensors)
    except Refused as error:
        raise RunnerRefused(str(error)) from error
    tensors: JsonObject = {"inputs": inputs.described, "unused": inputs.unused}
    flags = []
    if len(graph.signatures) > 1:
        tensors |= {"signature": graph.signature, "signatures": graph.signatures}
        flags.append(f"--signature_to_run_for={graph.signature}")
    if details.values or any(None in tensor.sizes for tensor in graph.tensors):
        flags += _layer_flags(graph, inputs.described)
    flags += _ranges(graph, details.values)
    contents = {
        graph.own_names[name]: arrays[name].tobytes() for name in details.files if name in arrays
    }
    return ToolInputs(tensors, tuple(flags), contents)


def _layer_flags(graph: TfliteGraph, described: Sequence[JsonObject]) -> list[str]:
    names = [graph.own_names[tensor["name"]] for tensor in described]
    for name in names:
        if set(name) & set(",:"):
            raise RunnerRefused(
                f"benchmark_model cannot be told the shape of an input called {name!r}",
                'Use runner = "json" on a device with Python, or give the file fixed sizes.',
            )
    shapes = [",".join(map(str, tensor["shape"])) for tensor in described]
    return [f"--input_layer={','.join(names)}", f"--input_layer_shape={':'.join(shapes)}"]


def _ranges(graph: TfliteGraph, values: Mapping[str, str]) -> list[str]:
    """The flag that tells within which whole numbers inputs are drawn."""
    ranges = []
    for name, words in values.items():
        if words.startswith(FILE) or name not in graph.own_names:
            continue
        low, high = _range(name, words)
        ranges.append(f"{graph.own_names[name]},{low},{high}")
    return [f"--input_layer_value_range={':'.join(ranges)}"] if ranges else []


def _range(name: str, words: str) -> tuple[int, int]:
    if words == "zeros":
        return 0, 0
    if words.startswith("ids:"):
        return 0, int(words.removeprefix("ids:")) - 1
    if words != "range" and math.isfinite(float(words)) and float(words) == int(float(words)):
        return int(float(words)), int(float(words))
    raise RunnerRefused(
        f"input {name}: benchmark_model cannot make {words}",
        "Give whole numbers, zeros, ids:VOCABULARY or an .npy file.",
    )


def read_graph(path: Path, signature: str | None) -> TfliteGraph | None:
    """The inputs of a signature's graph, else of the usual one; None of a file that is damaged.

    Raises:
        RunnerRefused: there is no such signature.
    """
    try:
        buffer = path.read_bytes()
        if buffer[4:8] != b"TFL3":
            return None
        return _graph(buffer, signature)
    except (
        OSError,
        struct.error,
        IndexError,
        ValueError,
        TypeError,
        AttributeError,
        OverflowError,
    ):
        return None  # what reading a damaged flatbuffer may end in


def _graph(buffer: bytes, signature: str | None) -> TfliteGraph:
    from ai_edge_litert import schema_py_generated as schema

    model = schema.Model.GetRootAs(buffer, 0)
    every = [model.SignatureDefs(i) for i in range(model.SignatureDefsLength())]
    signatures = {definition.SignatureKey().decode(): definition for definition in every}
    if signature is not None and signature not in signatures:
        known = ", ".join(signatures) or "none"
        raise RunnerRefused(f"the model has no signature {signature!r} (it has: {known})")
    by_default = sorted(signatures, key=lambda key: key != "serving_default")
    name = signature or next(iter(by_default), None)
    chosen = None if name is None else signatures[name]
    subgraph = model.Subgraphs(0 if chosen is None else chosen.SubgraphIndex())
    own = {index: subgraph.Tensors(index) for index in subgraph.InputsAsNumpy().tolist()}
    names = {index: tensor.Name().decode() for index, tensor in own.items()}
    if chosen is not None and chosen.InputsLength() == len(own):
        pairs = [chosen.Inputs(i) for i in range(chosen.InputsLength())]
        names |= {pair.TensorIndex(): pair.Name().decode() for pair in pairs}
    return TfliteGraph(
        [_tensor(names[index], tensor, schema) for index, tensor in own.items()],
        {names[index]: tensor.Name().decode() for index, tensor in own.items()},
        name,
        list(signatures),
    )


def _tensor(name: str, tensor: Any, schema: Any) -> TensorInfo:
    sizes = tensor.ShapeSignatureAsNumpy() if tensor.ShapeSignatureLength() else None
    if sizes is None:
        sizes = tensor.ShapeAsNumpy() if tensor.ShapeLength() else []
    return TensorInfo(name, [int(size) for size in sizes], _dtypes(schema)[tensor.Type()])


@cache
def _dtypes(schema: Any) -> dict[int, str]:
    """Numpy's names of the element types; the format's own where numpy has none."""
    codes = {name: code for name, code in vars(schema.TensorType).items() if name.isupper()}
    return {code: "str" if name == "STRING" else name.lower() for name, code in codes.items()}
