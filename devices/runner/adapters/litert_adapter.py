"""LiteRT, the successor of TensorFlow Lite, or where it is missing the older tflite-runtime."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from importlib import import_module, metadata
from typing import Any

from ..annotations import JsonObject
from ..models import Adapter as Base
from ..models import Array, Inputs, Model, Refused, TensorInfo, check_inputs

_LIBRARIES = (
    ("ai-edge-litert", "ai_edge_litert.interpreter"),
    ("tflite-runtime", "tflite_runtime.interpreter"),
    ("tensorflow", "tensorflow.lite.python.interpreter"),
)
# One RELU on one float: the smallest model that has to be interpreted. tflite-runtime can be
# imported next to a numpy it does not fit, and fails only when an interpreter is built.
_TINY_MODEL = base64.b64decode(
    "GAAAAFRGTDMAAA4AFAAQAAwACAAAAAQADgAAABAAAAAcAAAA0AAAAAMAAAABAAAACAAAAAQABAAEAAAAAQAAABAAAAAMABQA"
    "EAAMAAgABAAMAAAAEAAAADwAAABAAAAARAAAAAEAAAAQAAAAAAAKAAwAAAAIAAQACgAAAAgAAAAMAAAAAQAAAAEAAAABAAAA"
    "AAAAAAEAAAABAAAAAQAAAAAAAAACAAAAMAAAAAQAAADk////CAAAAAwAAAABAAAAeQAAAAEAAAABAAAADAAMAAgAAAAAAAQA"
    "DAAAAAgAAAAMAAAAAQAAAHgAAAABAAAAAQAAAAEAAAAQAAAADAAMAAsAAAAAAAQADAAAABMAAAAAAAAT"
)


class Adapter(Base):
    """Options: ``xnnpack`` (its CPU kernels, true unless given), ``library`` (the one to use:
    "ai-edge-litert", "tflite-runtime" or "tensorflow")."""

    known_options = ("xnnpack", "library")

    def __init__(self, threads: int, options: JsonObject) -> None:
        super().__init__(threads, options)
        self._xnnpack = bool(options.get("xnnpack", True))
        self.library, self._module = _working_library(options.get("library"))

    @property
    def version(self) -> str:
        return metadata.version(self.library)

    @property
    def facts(self) -> JsonObject:
        return {"library": self.library, "xnnpack_allowed": self._xnnpack}

    def load(self, path: str, inputs: Inputs) -> Model:
        resolver = self._module.OpResolverType
        kind = resolver.AUTO if self._xnnpack else resolver.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        try:
            interpreter = self._module.Interpreter(
                model_path=path, num_threads=self.threads, experimental_op_resolver_type=kind
            )
            graph = _graph(interpreter, inputs)
            return _LiteRtModel(graph, inputs)
        except (ValueError, RuntimeError) as error:
            raise Refused(f"{self.library} cannot load {path}: {error}") from error


class _Graph:
    """One graph of a model, its tensors by name.

    Args:
        number: of the graph in the file. The interpreter's public methods only run the first.
    """

    def __init__(
        self, interpreter: Any, inputs: JsonObject, outputs: JsonObject, number: int
    ) -> None:
        # The interpreter owns what the wrapper below works with.
        self._interpreter = interpreter
        self._wrapper = interpreter._interpreter
        self._more = (number,) if number else ()
        self.inputs, self.outputs = inputs, outputs

    def resize(self, index: int, shape: Sequence[int]) -> None:
        import numpy as np

        self._wrapper.ResizeInputTensor(index, np.array(shape, np.int32), False, *self._more)

    def allocate(self) -> None:
        self._wrapper.AllocateTensors(*self._more)

    def put(self, index: int, array: Array) -> None:
        self._wrapper.SetTensor(index, array, *self._more)

    def get(self, index: int) -> Array:
        array: Array = self._wrapper.GetTensor(index, *(self._more or (0,)))
        return array

    def invoke(self) -> None:
        self._wrapper.Invoke(*self._more)


class _LiteRtModel(Model):
    def __init__(self, graph: _Graph, inputs: Inputs) -> None:
        self._graph = graph
        known = [_info(name, detail) for name, detail in graph.inputs.items()]
        self._indices = {name: d["index"] for name, d in {**graph.outputs, **graph.inputs}.items()}
        arrays = inputs.arrays(known)
        self.inputs = [
            TensorInfo(tensor.name, list(arrays[tensor.name].shape), tensor.dtype)
            for tensor in known
        ]
        for tensor, detail in zip(self.inputs, graph.inputs.values()):  # noqa: B905
            if tensor.shape != [int(size) for size in detail["shape"]]:
                graph.resize(detail["index"], tensor.shape)
        graph.allocate()
        self._set(arrays)
        self.outputs = [_info(name, detail) for name, detail in graph.outputs.items()]

    def _set(self, arrays: Mapping[str, Array]) -> None:
        for name, array in arrays.items():
            text = array.dtype.kind == "O"
            self._graph.put(self._indices[name], array.astype("S") if text else array)

    def run(self) -> None:
        self._graph.invoke()

    def profile(self, warmup: int, runs: int) -> dict[str, float]:
        raise Refused(
            "LiteRT's Python interface gives no operator profiles "
            "(its benchmark_model does: --enable_op_profiling)"
        )

    def compute(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        self._set(check_inputs(self.inputs, arrays))
        self._graph.invoke()
        return {tensor.name: self._graph.get(self._indices[tensor.name]) for tensor in self.outputs}


def _working_library(wanted: Any) -> tuple[str, Any]:
    """The first library that really builds an interpreter, and its module."""
    problems = []
    for name, module_name in _LIBRARIES:
        if wanted in (None, name):
            try:
                module = import_module(module_name)
                module.Interpreter(model_content=_TINY_MODEL).allocate_tensors()
            except Exception as error:
                problems.append(f"{name}: {error}")
            else:
                return name, module
    raise Refused(f"no LiteRT works here ({'; '.join(problems) or f'unknown library {wanted!r}'})")


_USUAL_SIGNATURE = "serving_default"


def _graph(interpreter: Any, inputs: Inputs) -> _Graph:
    """The graph of the signature asked for, else of the usual one; tensors by the signature's
    names where they name all of them, else by their own."""
    signatures = list(interpreter.get_signature_list())
    wanted = inputs.signature
    if wanted is not None and wanted not in signatures:
        known = ", ".join(signatures) or "none"
        raise Refused(f"the model has no signature {wanted!r} (it has: {known})")
    every = {d["name"]: d for d in interpreter.get_input_details()}
    results = {d["name"]: d for d in interpreter.get_output_details()}
    if not signatures:
        return _Graph(interpreter, every, results, 0)
    usual = _USUAL_SIGNATURE if _USUAL_SIGNATURE in signatures else signatures[0]
    taken = wanted or usual
    runner = interpreter.get_signature_runner(taken)
    named = dict(runner.get_input_details()), dict(runner.get_output_details())
    if len(signatures) == 1 and (len(named[0]), len(named[1])) != (len(every), len(results)):
        return _Graph(interpreter, every, results, 0)
    if len(signatures) > 1:
        inputs.signature, inputs.signatures = taken, signatures
    number = getattr(interpreter._interpreter, "GetSubgraphIndexFromSignature", lambda _: 0)(taken)
    return _Graph(interpreter, *named, int(number))


def _info(name: str, detail: JsonObject) -> TensorInfo:
    sizes = detail.get("shape_signature")
    if sizes is None or not len(sizes):
        sizes = detail["shape"]
    dtype = getattr(detail["dtype"], "__name__", str(detail["dtype"]))
    text = dtype in ("bytes_", "string_", "object_")
    return TensorInfo(name, [int(size) for size in sizes], "str" if text else dtype)
