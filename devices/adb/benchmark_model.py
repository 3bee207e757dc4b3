"""Timing by TensorFlow Lite's own ``benchmark_model``, which the user provides.

The tool never prints the time of a single run. So it is started once for every sample: warm-up
runs and one timed run in a fresh process. A script on the device does this for a whole round,
since a call from here would cost more than a small model takes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from devices.adb.benchmark_round import Visits, operator_times, round_script
from devices.adb.benchmark_tool import OP_PROFILING, find_tool, tool_flags
from devices.adb.connection import quote
from devices.adb.options import AdbOptions
from devices.adb.session import AdbSession
from devices.adb.state import taskset_mask
from devices.adb.workspace import Workspace
from devices.arrays import Tensor
from devices.errors import DeviceError, RunnerRefused
from devices.foreign import clean, cores_of
from devices.samples import Arrived
from devices.settings import RunSettings
from devices.tflite_inputs import ToolInputs, tool_inputs
from nasprof.typing import JsonObject

RUNTIMES = ("litert", "tflite")


class BenchmarkModelSession(AdbSession):
    """Models timed by ``benchmark_model``."""

    suffixes = (".tflite",)

    def __init__(
        self,
        workspace: Workspace,
        settings: RunSettings,
        options: AdbOptions,
        facts: JsonObject,
    ) -> None:
        if settings.runtime not in RUNTIMES:
            raise RunnerRefused(
                f"benchmark_model runs TensorFlow Lite models, not {settings.runtime}",
                'Use --runtime litert, or runner = "json" in the device profile.',
            )
        unknown = sorted(set(settings.options) - {"delegate"})
        if unknown:
            raise RunnerRefused(f"benchmark_model knows no option {unknown[0]!r}")
        self.delegate: str | None = settings.options.get("delegate", options.delegate)
        self._local = find_tool(options)
        self._tool = ""
        self._prefix = ""
        self._inputs: dict[str, ToolInputs] = {}
        super().__init__(workspace, settings, options, facts)

    def prepare(self) -> None:
        if self._local is not None:
            self.verified.add(self.workspace.push(self._local, "benchmark_model", executable=True))
            self._tool = self.workspace.path("benchmark_model")
        else:
            self._tool = str(self.options.benchmark_model).removeprefix("device:")
        self._prefix = self._pin()

    def _pin(self) -> str:
        """The command that binds what follows to the chosen cores, verified by trying it."""
        if self.affinity is None:
            return ""
        prefix = f"taskset {taskset_mask(self.affinity)}"
        result = self.workspace.run(f"{prefix} grep Cpus_allowed_list /proc/self/status", 10)
        cores = result.output.split(":")[-1]
        if result.exit_code == 0 and cores_of(cores) == frozenset(self.affinity):
            return prefix + " "
        if self.settings.affinity is None:
            self.affinity = None
            return ""
        raise RunnerRefused(
            f"the device cannot run on cores {list(self.affinity)}: {clean(result.output)}",
            "Choose other cores (affinity), or none.",
        )

    def _command(self, warmup: int, runs: int = 1) -> str:
        """The tool with all its flags but the model."""
        flags = tool_flags(
            self.settings.threads, warmup, runs, self.delegate, self.options.benchmark_flags
        )
        return self._prefix + quote(self._tool, *flags)

    def try_models(self, names: Sequence[str]) -> None:
        for name in names:
            try:
                self._inputs[name] = tool_inputs(self._models[name], self.details(name))
            except RunnerRefused as error:
                error.model = name
                raise
            for tensor, content in self._inputs[name].files.items():
                self.push_bytes(content, self._input_name(name, tensor))
        self.measure(names, 1, 1, lambda name, samples: None)

    def tensors(self, name: str) -> JsonObject:
        return dict(self._inputs[name].tensors)

    def _own_flags(self, name: str) -> list[str]:
        """Flags that tell the tool of one model's inputs."""
        return self._inputs[name].all_flags(
            lambda tensor: self.workspace.path(self._input_name(name, tensor))
        )

    def _input_name(self, name: str, tensor: str) -> str:
        number = list(self._inputs[name].files).index(tensor)
        return f"tool-input{list(self._inputs).index(name)}-{number}"

    @property
    def _check_delegate(self) -> str | None:
        return None if self.delegate == "none" else self.delegate

    def measure(self, order: Sequence[str], warmup: int, runs: int, arrived: Arrived) -> None:
        models = [(self.remote(name), *self._own_flags(name)) for name in order]
        script = round_script(self._command(warmup), models, runs)
        self.push_bytes(script.encode(), "round.sh")
        visits = Visits(order, runs, self._check_delegate, arrived)
        try:
            self.workspace.run("sh round.sh", self.options.timeout_s, visits.line)
            visits.check()
        except DeviceError as error:
            error.partial = visits.cut_short()
            raise

    def operator_times(self, name: str, warmup: int, runs: int) -> dict[str, float]:
        graph = quote(f"--graph={self.remote(name)}", *self._own_flags(name))
        command = f"{self._command(warmup, runs)} {OP_PROFILING} {graph}"
        result = self.workspace.run(command, self.options.timeout_s)
        return operator_times(result.output + "\n", result.exit_code, runs, self._check_delegate)

    def outputs(self, name: str, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        raise RunnerRefused(
            "benchmark_model does not return outputs",
            'Use runner = "json" in the device profile, on a device with Python.',
        )

    def sample_outputs(self, name: str, samples: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return self.outputs(name, samples)

    def provenance(self) -> JsonObject:
        digest = None if self._local is None else hashlib.sha256(self._local.read_bytes())
        return {
            "runner": "benchmark_model",
            "runtime": self.settings.runtime,
            "runtime_version": None,
            "tool_sha256": digest and digest.hexdigest(),
            "tool": self.options.benchmark_model,
            "threads": self.settings.threads,
            "affinity": None if self.affinity is None else list(self.affinity),
            "delegate": self.delegate,
            "benchmark_flags": list(self.options.benchmark_flags),
            "push_verified_by": sorted(self.verified),
        }
