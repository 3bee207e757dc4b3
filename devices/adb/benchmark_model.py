"""Timing by TensorFlow Lite's own ``benchmark_model``, which the user provides.

The tool never prints the time of a single run. So it is started once for every sample: warm-up
runs and one timed run in a fresh process. A loop on the device does this for a whole round, since
a call from here would cost more than a small model takes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from devices.adb.benchmark_check import check_result, exit_text
from devices.adb.benchmark_output import BenchmarkResult, parse_benchmark
from devices.adb.benchmark_tool import HOW_TO_GET, find_tool, tool_flags
from devices.adb.connection import quote
from devices.adb.options import AdbOptions
from devices.adb.session import AdbSession
from devices.adb.state import taskset_mask
from devices.adb.workspace import Workspace
from devices.base import Arrived, RunnerCrashed, RunnerRefused, RunSettings, Samples

RUNTIMES = ("litert", "tflite")

_LOOP = """
i=0
while [ $i -lt {runs} ]; do
  i=$((i+1))
  {command} 2>&1
  r=$?
  echo
  echo @@end $r
  [ $r = 0 ] || break
done
"""


class _Invocations:
    """Cuts the output of the loop into invocations and takes a sample from each."""

    def __init__(self, delegate: str | None) -> None:
        self.samples_ms: list[float] = []
        self.results: list[BenchmarkResult] = []
        self.failure: RunnerRefused | RunnerCrashed | None = None
        self._delegate = delegate
        self._lines: list[str] = []

    def line(self, line: str) -> bool:
        """Take in a line; True if it ends an invocation."""
        end = re.fullmatch(r"@@end (\d+)", line)
        if not end:
            self._lines.append(line)
            return False
        text, self._lines = "\n".join([*self._lines, ""]), []
        result = parse_benchmark(text)
        try:
            timing = check_result(result, int(end[1]), 1, self._delegate)
        except (RunnerRefused, RunnerCrashed) as error:
            self.failure = self.failure or _with_words(error, text)
        else:
            self.samples_ms.append(timing.mean_ms)
            self.results.append(result)
        return True

    @property
    def context(self) -> dict[str, Any]:
        """What the tool told besides the times."""
        inits = [result.init_ms for result in self.results if result.init_ms is not None]
        last = self.results[-1] if self.results else BenchmarkResult()
        return {
            "init_ms": median(inits) if inits else None,
            "memory_mb": last.memory_mb,
            "delegates": dict(last.delegates),
        }

    @property
    def flags(self) -> list[str]:
        """Doubts about any of the invocations."""
        return sorted({flag for result in self.results for flag in result.flags})


class BenchmarkModelSession(AdbSession):
    """Models timed by ``benchmark_model``."""

    suffixes = (".tflite",)

    def __init__(
        self,
        workspace: Workspace,
        settings: RunSettings,
        options: AdbOptions,
        facts: Mapping[str, Any],
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
        told = self.workspace.run(f"{prefix} grep Cpus_allowed_list /proc/self/status", 10)
        if told.exit_code == 0 and _cores(told.output.split(":")[-1]) == set(self.affinity):
            return prefix + " "
        if self.settings.affinity is None:
            self.affinity = None
            return ""
        raise RunnerRefused(
            f"the device cannot run on cores {list(self.affinity)}: {told.output.strip()}",
            "Choose other cores (affinity), or none.",
        )

    def _command(self, name: str, warmup: int) -> str:
        flags = tool_flags(
            self.remote(name),
            self.settings.threads,
            warmup,
            self.delegate,
            self.options.benchmark_flags,
        )
        return self._prefix + quote(self._tool, *flags)

    def try_models(self, names: Sequence[str]) -> None:
        for name in names:
            self._run(name, 1, 1, _Invocations(self._check_delegate))

    @property
    def _check_delegate(self) -> str | None:
        return None if self.delegate == "none" else self.delegate

    def _run(self, name: str, warmup: int, runs: int, invocations: _Invocations) -> None:
        script = _LOOP.format(runs=runs, command=self._command(name, warmup))
        self.workspace.run(script, self.options.timeout_s, invocations.line)
        if invocations.failure is not None:
            raise invocations.failure
        if len(invocations.samples_ms) != runs:
            raise RunnerCrashed(
                f"benchmark_model was started {runs} times but ended {len(invocations.results)}"
            )

    def measure(self, order: Sequence[str], warmup: int, runs: int, arrived: Arrived) -> None:
        for name in order:
            invocations = _Invocations(self._check_delegate)
            try:
                self._run(name, warmup, runs, invocations)
            finally:
                if invocations.samples_ms:
                    samples = Samples(
                        invocations.samples_ms,
                        flags=invocations.flags,
                        context=invocations.context,
                    )
                    arrived(name, samples)

    def outputs(self, name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        raise RunnerRefused(
            "benchmark_model does not return outputs",
            'Use runner = "json" in the device profile, on a device with Python.',
        )

    def provenance(self) -> dict[str, Any]:
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


def _with_words(error: RunnerRefused | RunnerCrashed, output: str) -> RunnerRefused | RunnerCrashed:
    """The error with what the tool said last, or with what its exit code means."""
    words = [line for line in output.splitlines() if line.strip()][-5:]
    if isinstance(error, RunnerCrashed):
        for code in (126, 127):
            if exit_text(code) in error.message:
                return RunnerRefused(f"benchmark_model cannot be started: {words}", HOW_TO_GET)
        error.remedy = "Its last words: " + " | ".join(words) if words else error.remedy
    return error


def _cores(text: str) -> set[int]:
    """Core numbers of a list such as ``0-3,7``."""
    cores: set[int] = set()
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        if first.isdecimal():
            cores |= set(range(int(first), int(last or first) + 1))
    return cores
