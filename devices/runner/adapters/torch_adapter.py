"""torch: TorchScript files (``.pt``) on the CPU or an NVIDIA GPU."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import torch

from ..annotations import JsonObject
from ..models import Adapter as Base
from ..models import Array, Inputs, Model, Refused, TensorInfo, check_inputs

INPUTS_ENTRY = "inputs.json"
"""TorchScript keeps no input shapes; our files list them in this extra entry of the archive."""


class Adapter(Base):
    """Options: ``provider`` ("cpu" unless given, or "cuda"), ``device_index``."""

    known_options = ("provider", "device_index")

    def __init__(self, threads: int, options: JsonObject) -> None:
        super().__init__(threads, options)
        torch.set_num_threads(threads)
        torch.set_num_interop_threads(1)
        provider = options.get("provider", "cpu")
        if provider not in ("cpu", "cuda"):
            raise Refused(f"this runtime has no provider {provider!r} (it has: cpu, cuda)")
        if provider == "cuda" and not torch.cuda.is_available():
            raise Refused("asked for cuda, but torch sees no usable NVIDIA GPU")
        index = int(options.get("device_index", 0))
        self.device = torch.device("cpu") if provider == "cpu" else torch.device("cuda", index)

    @property
    def version(self) -> str:
        return str(torch.__version__)

    @property
    def facts(self) -> JsonObject:
        cuda = None if self.on_host else torch.version.cuda
        return {"provider": self.device.type, "cuda": cuda}

    @property
    def on_host(self) -> bool:
        return bool(self.device.type == "cpu")

    def load(self, path: str, inputs: Inputs) -> Model:
        if inputs.signature is not None:
            raise Refused("a TorchScript file has no signatures: there is only its forward()")
        try:
            module, tensors = _read(path, self.device)
        except Exception as error:
            raise Refused(f"torch cannot load {path}: {error}") from error
        return _TorchModel(module, tensors, inputs.arrays(tensors), self.device)


class _TorchModel(Model):
    def __init__(
        self,
        module: Any,
        inputs: list[TensorInfo],
        arrays: Mapping[str, Array],
        device: torch.device,
    ) -> None:
        self._module, self._device, self.inputs = module, device, inputs
        self._arguments = self._to_device(arrays)
        results = self._forward(self._arguments)
        self.outputs = [
            TensorInfo(name, list(value.shape), str(value.dtype).rpartition(".")[2])
            for name, value in results.items()
        ]

    def _to_device(self, arrays: Mapping[str, Array]) -> list[torch.Tensor]:
        return [torch.from_numpy(array).to(self._device) for array in arrays.values()]

    def _forward(self, arguments: list[torch.Tensor]) -> dict[str, torch.Tensor]:
        with torch.inference_mode():
            result = self._module(*arguments)
        values = result if isinstance(result, (tuple, list)) else (result,)
        names = ["output"] if len(values) == 1 else [f"output{i}" for i in range(len(values))]
        return {names[i]: value for i, value in enumerate(values)}

    def run(self) -> None:
        with torch.inference_mode():
            self._module(*self._arguments)
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)

    @property
    def timer(self) -> Callable[[], float] | None:
        return self._time_by_events if self._device.type == "cuda" else None

    def _time_by_events(self) -> float:
        """One run in ms, from the first kernel's start to the last one's end."""
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        with torch.inference_mode(), torch.cuda.device(self._device):
            start.record()
            self._module(*self._arguments)
            end.record()
            end.synchronize()
        return float(start.elapsed_time(end))

    def compute(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        results = self._forward(self._to_device(check_inputs(self.inputs, arrays)))
        return {name: value.cpu().numpy() for name, value in results.items()}


def _read(path: str, device: torch.device) -> tuple[Any, list[TensorInfo]]:
    # Not torch.export.load: it falls back to unpickling whatever the file holds.
    extra = {INPUTS_ENTRY: ""}
    module = torch.jit.load(path, map_location=device, _extra_files=extra)
    if not extra[INPUTS_ENTRY]:
        raise Refused(f"it does not tell its input shapes (in an extra file {INPUTS_ENTRY!r})")
    described = json.loads(extra[INPUTS_ENTRY])
    return module.eval(), [TensorInfo(t["name"], t["shape"], t["dtype"]) for t in described]
