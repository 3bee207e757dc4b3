"""Values that some inputs of an ONNX graph must have for it to run at all: shapes, axes, counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from nasprof.typing import JsonObject
from profiler.model_files.onnx_file import graphs, size_of, tensor_inputs

Known: TypeAlias = JsonObject
"""See :func:`devices.runner.values.known_array`; ``doubt`` where it is a guess."""

_SAME = ("Cast", "Identity", "Squeeze", "Unsqueeze")
_MANY = (1 << 31) - 1


def known_values(model: onnx.ModelProto) -> dict[str, Known]:
    """By input, what it must hold, from the first node that says so."""
    graph = _Graph(model.graph)
    known: dict[str, Known] = {}
    for info in tensor_inputs(model):
        if not info.type.HasField("tensor_type"):
            continue
        values = (_rule(graph, *use) for use in graph.consumers(info.name))
        value = next((candidate for candidate in values if candidate is not None), None)
        if value is None and "mask" in info.name.lower() and _is_whole(info):
            value = {"value": 1}
        if value is not None:
            known[info.name] = value
    return known


def _is_whole(info: onnx.ValueInfoProto) -> bool:
    kinds = (onnx.TensorProto.INT32, onnx.TensorProto.INT64, onnx.TensorProto.BOOL)
    return info.type.tensor_type.elem_type in kinds


class _Graph:
    """Looks up what is known by name."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.uses: dict[str, list[tuple[onnx.NodeProto, int]]] = defaultdict(list)
        self.constants: dict[str, NDArray[np.generic]] = {}
        self.shapes: dict[str, list[int | None]] = {}
        for subgraph in graphs(graph):
            for info in (*subgraph.input, *subgraph.output, *subgraph.value_info):
                if info.type.HasField("tensor_type"):
                    self.shapes[info.name] = _sizes(info)
            for tensor in subgraph.initializer:
                self._constant(tensor.name, tensor)
            for node in subgraph.node:
                for index, name in enumerate(node.input):
                    self.uses[name].append((node, index))
                if node.op_type == "Constant" and node.attribute:
                    self._constant(node.output[0], node.attribute[0].t)

    def _constant(self, name: str, tensor: onnx.TensorProto) -> None:
        if tensor.data_location != onnx.TensorProto.EXTERNAL and np.prod(tensor.dims) <= 1:
            self.constants[name] = numpy_helper.to_array(tensor)

    def static(self, name: str) -> list[int] | None:
        """A shape without open sizes."""
        shape = self.shapes.get(name)
        if shape is None or any(size is None for size in shape):
            return None
        return [size for size in shape if size is not None]

    def consumers(self, name: str) -> Iterator[tuple[onnx.NodeProto, int]]:
        """Nodes that use a value, also when its type or rank was changed on the way."""
        for node, index in self.uses[name]:
            if node.op_type in _SAME and index == 0:
                yield from self.consumers(node.output[0])
            else:
                yield node, index


def _sizes(info: onnx.ValueInfoProto) -> list[int | None]:
    return [size_of(dim) for dim in info.type.tensor_type.shape.dim]


_Rule: TypeAlias = Callable[[_Graph, onnx.NodeProto], Known | None]


def _rule(graph: _Graph, node: onnx.NodeProto, index: int) -> Known | None:
    if node.op_type == "Equal":
        return _compared(graph, node, 1 - index)
    rule = _RULES.get((node.op_type, index))
    if rule is None and node.op_type.startswith("Reduce") and index == 1:
        return _axes(graph, node)
    return None if rule is None else rule(graph, node)


def _compared(graph: _Graph, node: onnx.NodeProto, other: int) -> Known | None:
    """What an input is compared with, as a sampling rate is that selects a branch."""
    constant = graph.constants.get(node.input[other])
    if constant is None or constant.size != 1 or constant.dtype.kind not in "iufb":
        return None
    return {"value": constant.reshape(-1)[0].item()}


def _fixed(value: int, doubt: bool = False) -> _Rule:
    return lambda graph, node: {"value": value, "doubt": True} if doubt else {"value": value}


def _output_shape(graph: _Graph, node: onnx.NodeProto) -> Known | None:
    """The last sizes that the output is declared with, as many as are asked for; else ones."""
    shape = graph.static(node.output[0])
    if not shape:
        return {"value": 1, "doubt": True}
    count = graph.static(node.input[-1]) or [len(shape)]
    return {"value": shape[-count[0] :]}


def _target_shape(graph: _Graph, node: onnx.NodeProto) -> Known | None:
    """As declared; else everything along the first axis, which fits any number of elements."""
    shape = graph.static(node.output[0])
    if shape:
        return {"value": shape}
    length = graph.static(node.input[1])
    return {"value": [-1] + [1] * ((length[0] if length else 1) - 1), "doubt": True}


def _ratio(graph: _Graph, node: onnx.NodeProto) -> Known | None:
    """How often the input goes into the output, along each axis."""
    inner, outer = graph.static(node.input[0]), graph.static(node.output[0])
    if inner and outer and len(inner) == len(outer) and all(inner):
        return {"value": [large / small for small, large in zip(inner, outer, strict=True)]}
    return {"value": 1, "doubt": True}


def _resized(graph: _Graph, node: onnx.NodeProto) -> Known | None:
    shape = graph.static(node.output[0]) or graph.static(node.input[0])
    return {"value": shape} if shape else {"value": 1, "doubt": True}


def _axes(graph: _Graph, node: onnx.NodeProto) -> Known | None:
    """The first axes, as many as are asked for."""
    count = graph.static(node.input[1]) or [1]
    return {"value": list(range(count[0])) or [0]}


def _axes_of_one(graph: _Graph, node: onnx.NodeProto) -> Known | None:
    shape = graph.static(node.input[0]) or []
    return {"value": [axis for axis, size in enumerate(shape) if size == 1] or [0]}


def _axis(node: onnx.NodeProto, default: int) -> int:
    return next((attribute.i for attribute in node.attribute if attribute.name == "axis"), default)


def _count_along(default_axis: int) -> _Rule:
    """Size of the output along the node's axis, else 1."""

    def rule(graph: _Graph, node: onnx.NodeProto) -> Known | None:
        shape = graph.static(node.output[0])
        if shape:
            return {"value": shape[_axis(node, default_axis)]}
        return {"value": 1, "doubt": True}

    return rule


def _parts(graph: _Graph, node: onnx.NodeProto) -> Known | None:
    shapes = [graph.static(name) for name in node.output]
    axis = _axis(node, 0)
    sizes = [shape[axis] for shape in shapes if shape]
    return {"value": sizes} if len(sizes) == len(shapes) else None


def _length_of_sequence(graph: _Graph, node: onnx.NodeProto) -> Known | None:
    shape: Sequence[int | None] = graph.shapes.get(node.input[0], [])
    if shape and shape[0]:
        return {"value": shape[0]}
    return {"of": node.input[0], "axis": 0} if node.input[0] in graph.shapes else {"value": 1}


def _window(graph: _Graph, node: onnx.NodeProto) -> Known | None:
    shape = graph.static(node.output[0])
    return {"value": shape[0]} if shape else {"value": 16, "doubt": True}


_RULES: dict[tuple[str, int], _Rule] = {
    ("Loop", 0): _fixed(1, doubt=True),
    ("Loop", 1): _fixed(1),
    ("If", 0): _fixed(1, doubt=True),
    ("Reshape", 1): _target_shape,
    ("Expand", 1): _output_shape,
    ("ConstantOfShape", 0): _output_shape,
    ("CenterCropPad", 1): _output_shape,
    ("Col2Im", 1): _fixed(5, doubt=True),
    ("Col2Im", 2): _fixed(1, doubt=True),
    ("MaxUnpool", 2): _output_shape,
    ("AffineGrid", 1): _output_shape,
    ("Tile", 1): _ratio,
    ("Resize", 2): _ratio,
    ("Upsample", 1): _ratio,
    ("Resize", 3): _resized,
    ("Pad", 1): _fixed(0),
    ("Pad", 3): _axes,
    ("Slice", 1): _fixed(0),
    ("Slice", 2): _fixed(_MANY),
    ("Slice", 3): lambda graph, node: _axes(graph, _with_second(node, 3)),
    ("Slice", 4): _fixed(1),
    ("TopK", 1): _count_along(-1),
    ("OneHot", 1): _count_along(-1),
    ("Split", 1): _parts,
    ("SplitToSequence", 1): _fixed(1),
    ("Range", 0): _fixed(0),
    ("Range", 1): _fixed(1, doubt=True),
    ("Range", 2): _fixed(1),
    ("Unsqueeze", 1): _axes,
    ("Squeeze", 1): _axes_of_one,
    ("CumSum", 1): _fixed(0),
    ("Trilu", 1): _fixed(0),
    ("SequenceAt", 1): _fixed(0),
    ("DFT", 2): _fixed(1),
    ("NonMaxSuppression", 2): _fixed(1, doubt=True),
    ("HannWindow", 0): _window,
    ("HammingWindow", 0): _window,
    ("BlackmanWindow", 0): _window,
    ("STFT", 1): _fixed(8, doubt=True),
    ("STFT", 3): _fixed(16, doubt=True),
    ("MelWeightMatrix", 0): _fixed(8, doubt=True),
    ("MelWeightMatrix", 1): _fixed(16, doubt=True),
    ("MelWeightMatrix", 2): _fixed(8192, doubt=True),
    ("MelWeightMatrix", 3): _fixed(0),
    ("MelWeightMatrix", 4): _fixed(4096, doubt=True),
    **{(op, 4): _length_of_sequence for op in ("RNN", "GRU", "LSTM")},
}


def _with_second(node: onnx.NodeProto, index: int) -> onnx.NodeProto:
    """The node with one of its inputs in the place where axes usually are."""
    moved = onnx.NodeProto()
    moved.CopyFrom(node)
    moved.input[1] = node.input[index]
    return moved
