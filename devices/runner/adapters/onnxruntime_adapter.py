"""ONNX Runtime: CPU, CUDA and whatever other execution provider is built in."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..annotations import JsonObject
from ..models import Adapter as Base
from ..models import Array, Inputs, Model, Refused, TensorInfo, check_inputs
from ..telemetry import silent_onnxruntime

ort = silent_onnxruntime()

_SUFFIX = "ExecutionProvider"
_DTYPES = {
    "float": "float32",
    "double": "float64",
    "float16": "float16",
    "bool": "bool",
    "string": "str",
    **{f"{sign}int{bits}": f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
}


class Adapter(Base):
    """Options: ``provider`` ("cpu" unless given), ``device_index``, ``spinning`` (of the thread
    pool, true unless given), ``cpu_fallback`` (let another provider leave nodes to the CPU)."""

    known_options = ("provider", "device_index", "spinning", "cpu_fallback")

    def __init__(self, threads: int, options: JsonObject) -> None:
        super().__init__(threads, options)
        ort.set_default_logger_severity(3)
        self.provider = _provider(str(options.get("provider", "cpu")))
        # Models take turns in one process, and a pool's threads keep spinning for a while after
        # their model ran: with a pool each, they would take cores from the model being timed.
        self._spinning = bool(options.get("spinning", True))
        self._own_pool = threads == 1 or not self._spinning or not _share_one_pool(threads)

    @property
    def version(self) -> str:
        return str(ort.__version__)

    @property
    def facts(self) -> JsonObject:
        cuda = None if self.on_host else getattr(ort, "cuda_version", None)
        return {"provider": self.provider, "spinning": self._spinning, "cuda": cuda}

    @property
    def on_host(self) -> bool:
        return self.provider == "CPU" + _SUFFIX

    def load(self, path: str, inputs: Inputs) -> Model:
        memory = "cpu" if self.on_host else _memory(self.provider)
        index = int(self.options.get("device_index", 0))
        if inputs.signature is not None:
            raise Refused("an ONNX model has no signatures: there is only its one graph")
        session = self._session(path, self._session_options())
        tensors = [_info(value) for value in session.get_inputs()]
        arrays = inputs.arrays(tensors)
        if any(tensor.dtype == "str" for tensor in tensors):
            return _FedModel(session, tensors, arrays)
        loaded = _OrtModel(session, tensors, arrays, memory, index)
        loaded.profiled = lambda folder: _OrtModel(
            self._session(path, self._profiling_options(folder)), tensors, arrays, memory, index
        )
        return loaded

    def _session(self, path: str, options: Any) -> Any:
        device = {} if self.on_host else {"device_id": str(self.options.get("device_index", 0))}
        try:
            session = ort.InferenceSession(path, options, providers=[(self.provider, device)])
        except Exception as error:
            raise Refused(f"ONNX Runtime cannot load {path}: {error}") from error
        running = session.get_providers()
        if running[0] != self.provider:
            raise Refused(
                f"asked for {self.provider}, but the model runs on {running[0]}: "
                "the provider's libraries are missing or do not fit"
            )
        return session

    def _profiling_options(self, folder: str) -> Any:
        options = self._session_options()
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(folder, "trace"))
        return options

    def _session_options(self) -> Any:
        options = ort.SessionOptions()
        if not self._own_pool:
            # Older ones have no other way, and no name for it.
            options.use_per_session_threads = False
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        spinning = "1" if self._spinning else "0"
        options.add_session_config_entry("session.intra_op.allow_spinning", spinning)
        if not self.on_host and not self.options.get("cpu_fallback", False):
            options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
        return options


class _OrtModel(Model):
    """Inputs and outputs stay on the device, so that no copy is timed."""

    profiled: Callable[[str], _OrtModel]
    """The same model once more, which writes a trace of its runs into a folder."""

    def __init__(
        self,
        session: Any,
        inputs: list[TensorInfo],
        arrays: Mapping[str, Array],
        memory: str,
        index: int,
    ) -> None:
        self._session, self._memory, self._index = session, memory, index
        self.inputs = inputs
        self.outputs = [_output(value) for value in session.get_outputs()]
        self._binding = self._bind(arrays)

    def _bind(self, arrays: Mapping[str, Array]) -> Any:
        binding = self._session.io_binding()
        for name, array in arrays.items():
            value = ort.OrtValue.ortvalue_from_numpy(array, self._memory, self._index)
            binding.bind_ortvalue_input(name, value)
        for output in self.outputs:
            binding.bind_output(output.name, self._memory, self._index)
        binding.synchronize_inputs()
        return binding

    def run(self) -> None:
        self._session.run_with_iobinding(self._binding)
        if self._memory != "cpu":
            self._binding.synchronize_outputs()

    def profile(self, warmup: int, runs: int) -> dict[str, float]:
        with tempfile.TemporaryDirectory() as folder:
            model = self.profiled(folder)
            for _ in range(warmup + runs):
                model.run()
            trace = Path(model._session.end_profiling()).read_text(encoding="utf-8")
        return operator_times(json.loads(trace), warmup, runs)

    def compute(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        _check_outputs(self.outputs)
        binding = self._bind(check_inputs(self.inputs, arrays))
        self._session.run_with_iobinding(binding)
        binding.synchronize_outputs()
        values = binding.copy_outputs_to_cpu()
        return {output.name: values[i] for i, output in enumerate(self.outputs)}


class _FedModel(Model):
    """A model that takes text, which cannot be put in place beforehand: every run hands it over."""

    def __init__(self, session: Any, inputs: list[TensorInfo], arrays: Mapping[str, Array]) -> None:
        self._session, self._arrays = session, dict(arrays)
        self.inputs = inputs
        self.outputs = [_output(value) for value in session.get_outputs()]

    def run(self) -> None:
        self._session.run(None, self._arrays)

    def compute(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        _check_outputs(self.outputs)
        values = self._session.run(None, check_inputs(self.inputs, arrays))
        return {output.name: values[i] for i, output in enumerate(self.outputs)}


_KERNEL = "_kernel_time"
_LAYOUT = "_nchwc"
"""What ONNX Runtime adds to the names of nodes that it computes in a layout of its own."""


def operator_times(events: Sequence[JsonObject], warmup: int, runs: int) -> dict[str, float]:
    """Mean ms a run of each node of a trace, in the order they ran.

    Args:
        events: of the trace.
        warmup: runs that do not count.
        runs: that are averaged over.
    """
    starts = sorted(event["ts"] for event in events if event["name"] == "model_run")
    if len(starts) != warmup + runs:
        raise Refused(f"ONNX Runtime's trace has {len(starts)} runs of {warmup + runs}")
    times: dict[str, float] = {}
    for event in sorted(events, key=lambda event: float(event["ts"])):
        name = str(event["name"])
        if event["cat"] == "Node" and name.endswith(_KERNEL) and event["ts"] >= starts[warmup]:
            node = name[: -len(_KERNEL)]
            node = node[: -len(_LAYOUT)] if node.endswith(_LAYOUT) else node
            times[node] = times.get(node, 0.0) + event["dur"] / 1e3 / runs
    return times


def _info(value: Any) -> TensorInfo:
    kind = value.type[len("tensor(") : -1]
    if kind not in _DTYPES:
        raise Refused(f"input {value.name} is of type {value.type}, which is not supported")
    return TensorInfo(value.name, value.shape, _DTYPES[kind])


def _output(value: Any) -> TensorInfo:
    """What is known of an output; one that is no tensor of numbers keeps ONNX's name of its type.

    Nobody has to understand such outputs for the model to be timed.
    """
    kind = value.type[len("tensor(") : -1]
    return TensorInfo(value.name, value.shape, _DTYPES.get(kind, value.type))


def _check_outputs(outputs: Sequence[TensorInfo]) -> None:
    for output in outputs:
        if output.dtype not in _DTYPES.values() or output.dtype == "str":
            raise Refused(
                f"output {output.name} is of type {output.dtype}, which cannot be returned"
            )


def _provider(name: str) -> str:
    available = [
        provider for provider in ort.get_available_providers() if provider.endswith(_SUFFIX)
    ]
    for provider in available:
        if provider[: -len(_SUFFIX)].lower() == name.lower() or provider == name:
            return str(provider)
    short = ", ".join(provider[: -len(_SUFFIX)].lower() for provider in available)
    raise Refused(f"this ONNX Runtime has no provider {name!r} (it has: {short})")


def _share_one_pool(threads: int) -> bool:
    if not hasattr(ort, "set_global_thread_pool_sizes"):
        return False
    ort.set_global_thread_pool_sizes(threads, 1)
    return True


def _memory(provider: str) -> str:
    """Where a provider's tensors live; those not listed read and write host memory."""
    return {"CUDA": "cuda", "Tensorrt": "cuda", "ROCM": "cuda"}.get(
        provider[: -len(_SUFFIX)], "cpu"
    )
