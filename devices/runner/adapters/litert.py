"""LiteRT, the successor of TensorFlow Lite, or where it is missing the older tflite-runtime."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from importlib import import_module, metadata
from typing import Any

from ..models import Adapter as Base
from ..models import Array, Model, Refused, TensorInfo, check_inputs, random_inputs

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

    def __init__(self, threads: int, options: Mapping[str, Any]) -> None:
        super().__init__(threads, options)
        self._xnnpack = bool(options.get("xnnpack", True))
        self.library, self._module = _working_library(options.get("library"))

    @property
    def version(self) -> str:
        return metadata.version(self.library)

    @property
    def facts(self) -> dict[str, Any]:
        return {"library": self.library, "xnnpack_allowed": self._xnnpack}

    def load(self, path: str, seed: int) -> Model:
        resolver = self._module.OpResolverType
        kind = resolver.AUTO if self._xnnpack else resolver.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        try:
            interpreter = self._module.Interpreter(
                model_path=path, num_threads=self.threads, experimental_op_resolver_type=kind
            )
            interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise Refused(f"{self.library} cannot load {path}: {error}") from error
        return _LiteRtModel(interpreter, seed)


class _LiteRtModel(Model):
    def __init__(self, interpreter: Any, seed: int) -> None:
        self._interpreter = interpreter
        inputs, outputs = _named_details(interpreter)
        self.inputs = [_info(name, detail) for name, detail in inputs.items()]
        self.outputs = [_info(name, detail) for name, detail in outputs.items()]
        self._indices = {name: d["index"] for name, d in {**outputs, **inputs}.items()}
        self._set(random_inputs(self.inputs, seed))

    def _set(self, arrays: Mapping[str, Array]) -> None:
        for name, array in arrays.items():
            self._interpreter.set_tensor(self._indices[name], array)

    def run(self) -> None:
        self._interpreter.invoke()

    def profile(self, warmup: int, runs: int) -> dict[str, float]:
        raise Refused(
            "LiteRT's Python interface gives no operator profiles "
            "(its benchmark_model does: --enable_op_profiling)"
        )

    def compute(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        self._set(check_inputs(self.inputs, arrays))
        self._interpreter.invoke()
        return {
            tensor.name: self._interpreter.get_tensor(self._indices[tensor.name])
            for tensor in self.outputs
        }


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


def _named_details(interpreter: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Tensors by the names of the signature where the model has exactly one, else by their own."""
    signatures = interpreter.get_signature_list()
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    if len(signatures) == 1:
        runner = interpreter.get_signature_runner(next(iter(signatures)))
        named = dict(runner.get_input_details()), dict(runner.get_output_details())
        if (len(named[0]), len(named[1])) == (len(inputs), len(outputs)):
            return named
    return {d["name"]: d for d in inputs}, {d["name"]: d for d in outputs}


def _info(name: str, detail: Mapping[str, Any]) -> TensorInfo:
    return TensorInfo(name, [int(size) for size in detail["shape"]], detail["dtype"].__name__)
