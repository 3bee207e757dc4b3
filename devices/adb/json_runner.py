"""Timing by our own runner on a device with Python: Linux boards, and this project's tests.

The runner (``devices.runner``) is pushed as one file and started anew for each round; it answers
JSON lines as it goes, so what was timed before a crash is kept.
"""

from __future__ import annotations

import io
import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from devices.adb.benchmark_check import exit_text
from devices.adb.connection import quote
from devices.adb.session import AdbSession
from devices.base import INPUT_SEED, Arrived, RunnerCrashed, RunnerRefused, Samples
from devices.contention import mark_contention
from devices.runner.archive import runner_archive
from devices.runner.telemetry import SILENT

_ENDINGS = {"onnxruntime": (".onnx",), "litert": (".tflite",)}

_START = """
{silent} {python} runner.pyz < requests.jsonl 2> stderr.txt
r=$?
[ $r = 0 ] || tail -c 1500 stderr.txt
exit $r
"""


class _Replies:
    """Collects the runner's answers as they come."""

    def __init__(self, on_reply: Callable[[dict[str, Any]], None] | None = None) -> None:
        self.by_kind: dict[str, dict[str, Any]] = {}
        self.loaded: dict[str, dict[str, Any]] = {}
        self.error: dict[str, Any] | None = None
        self.words: list[str] = []
        self._on_reply = on_reply

    def line(self, line: str) -> bool:
        """Take in a line; True if it is an answer."""
        try:
            reply = json.loads(line)
        except ValueError:
            reply = None
        if not isinstance(reply, dict) or not ({"ok", "error"} & reply.keys()):
            self.words = [*self.words[-19:], line[:500]] if line.strip() else self.words
            return False
        if "error" in reply:
            self.error = self.error or reply
            return True
        self.by_kind[str(reply["ok"])] = reply
        if reply["ok"] == "load":
            self.loaded[str(reply.get("name"))] = reply
        if self._on_reply is not None:
            self._on_reply(reply)
        return True


class JsonSession(AdbSession):
    """Models timed run by run in a Python process on the device."""

    _hello: Mapping[str, Any] = {}
    _tensors: Mapping[str, dict[str, Any]] = {}
    _round_context: Mapping[str, Any] = {}

    @property
    def suffixes(self) -> tuple[str, ...]:  # type: ignore[override]
        """Endings of the model files that the runtime takes."""
        return _ENDINGS.get(self.settings.runtime, (".onnx", ".tflite"))

    def prepare(self) -> None:
        self.push_bytes(runner_archive(), "runner.pyz")
        try:
            replies = self._ask([], self.options.timeout_s)
        except RunnerRefused:
            if self.settings.affinity is not None or self.affinity is None:
                raise
            # The big cores are only our choice; this system may keep its shell off them.
            self.affinity = None
            replies = self._ask([], self.options.timeout_s)
        self._hello = replies.by_kind["hello"]
        self._tensors = {}

    def try_models(self, names: Sequence[str]) -> None:
        requests = [
            {**self._load_request(name), "try": self.details(name).foreign} for name in names
        ]
        replies = self._ask(requests, self.options.timeout_s)
        self._tensors = {**self._tensors, **replies.loaded}

    def measure(self, order: Sequence[str], warmup: int, runs: int, arrived: Arrived) -> None:
        came = list[str]()

        def keep(reply: dict[str, Any]) -> None:
            if reply["ok"] == "samples":
                came.append(str(reply.get("name")))
                arrived(came[-1], _samples(reply, runs))

        requests = [self._load_request(name) for name in dict.fromkeys(order)]
        requests.append({"op": "round", "order": list(order), "warmup": warmup, "runs": runs})
        replies = self._ask(requests, self.options.timeout_s, keep)
        missing = sorted((Counter(order) - Counter(came)).elements())
        if missing:
            raise RunnerCrashed(f"the runner gave no samples of {', '.join(missing)}")
        self._round_context = replies.by_kind["round"].get("context", {})

    def operator_times(self, name: str, warmup: int, runs: int) -> dict[str, float]:
        request = {"op": "profile", "name": name, "warmup": warmup, "runs": runs}
        replies = self._ask([self._load_request(name), request], self.options.timeout_s)
        return dict(replies.by_kind["profile"]["times_ms"])

    def judge(self, taken: Mapping[str, Samples]) -> None:
        for samples in taken.values():
            mark_contention(samples, self.settings.threads, self._round_context)

    def _ask(
        self,
        requests: Sequence[Mapping[str, Any]],
        timeout_s: float,
        on_reply: Callable[[dict[str, Any]], None] | None = None,
    ) -> _Replies:
        hello = {
            "op": "hello",
            "runtime": self.settings.runtime,
            "threads": self.settings.threads,
            "affinity": None if self.affinity is None else list(self.affinity),
            "options": self.options.runtime_options | dict(self.settings.options),
        }
        asked = [hello, *requests]
        self.push_bytes(
            "".join(json.dumps(request) + "\n" for request in asked).encode(), "requests.jsonl"
        )
        replies = _Replies(on_reply)
        silent = " ".join(f"{name}={value}" for name, value in SILENT.items())
        script = _START.format(silent=silent, python=quote(*self.options.python.split()))
        ended = self.workspace.run(script, timeout_s, replies.line)
        _check(replies, ended.exit_code, {str(request["op"]) for request in asked})
        return replies

    def _load_request(self, name: str) -> dict[str, Any]:
        return {
            "op": "load",
            "name": name,
            "path": self.remote(name),
            "seed": INPUT_SEED,
            "details": self.details(name).request(self.input_files(name)),
        }

    def tensors(self, name: str) -> dict[str, Any]:
        return self._tensors[name]

    def outputs(self, name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        import numpy as np

        self.make_ready()
        archive = io.BytesIO()
        arrays: dict[str, Any] = dict(inputs)
        np.savez(archive, **arrays)
        self.push_bytes(archive.getvalue(), "in.npz")
        target = self.workspace.path("out.npz")
        request = {
            "op": "run",
            "name": name,
            "inputs": self.workspace.path("in.npz"),
            "outputs": target,
        }
        self._ask([self._load_request(name), request], self.options.timeout_s)
        with np.load(
            io.BytesIO(self.workspace.connection.pull(target)), allow_pickle=False
        ) as loaded:
            return dict(loaded)

    def provenance(self) -> dict[str, Any]:
        told = {key: value for key, value in self._hello.items() if key not in ("ok", "pid")}
        return {"runner": "json", **told, "push_verified_by": sorted(self.verified)}


def _check(replies: _Replies, exit_code: int, asked: set[str]) -> None:
    words = " | ".join(replies.words[-5:])
    if replies.error is not None:
        message = str(replies.error.get("message"))
        model, inputs = replies.error.get("model"), replies.error.get("inputs", ())
        if replies.error.get("kind") == "refused":
            raise RunnerRefused(message, model=model)
        if model is not None:
            raise RunnerCrashed(message, model=model, inputs=inputs)
        raise RunnerCrashed(f"the runner cannot {replies.error['error']}: {message}", words or None)
    if exit_code in (126, 127):
        raise RunnerRefused(
            f"the device has no Python: {words}",
            'Name its interpreter in the device profile (python = "..."), or use runner = '
            '"benchmark_model".',
        )
    if exit_code:
        raise RunnerCrashed(
            f"the runner ended with {exit_text(exit_code)}", f"Its last words: {words}"
        )
    missing = sorted(asked - replies.by_kind.keys())
    if missing:
        raise RunnerCrashed(
            f"the runner did not answer to {', '.join(missing)}", f"Its last words: {words}"
        )


def _samples(reply: Mapping[str, Any], runs: int) -> Samples:
    wall_ms, cpu_ms = reply.get("wall_ms"), reply.get("cpu_ms")
    for values in (wall_ms, cpu_ms):
        valid = isinstance(values, list) and all(
            isinstance(value, (int, float)) and math.isfinite(value) and value >= 0
            for value in values
        )
        if not (valid and len(values or ()) == runs) and not (values is None and wall_ms):
            raise RunnerCrashed(
                f"the runner's samples of {reply.get('name')} are damaged: expected {runs} times"
            )
    context = reply.get("context")
    return Samples(list(wall_ms or ()), cpu_ms, context=dict(context or {}))
