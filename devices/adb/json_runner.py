"""Timing by our own runner on a device with Python: Linux boards, and this project's tests.

The runner (``devices.runner``) is pushed as one file and started anew for each round; it answers
JSON lines as it goes, so what was timed before a crash is kept.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from devices.adb.benchmark_check import exit_text
from devices.adb.connection import quote
from devices.adb.session import AdbSession
from devices.arrays import Tensor, checked_outputs, read_arrays, write_arrays
from devices.contention import mark_contention
from devices.errors import RunnerCrashed, RunnerRefused
from devices.foreign import clean
from devices.replies import (
    RoundReplies,
    checked_hello,
    checked_load,
    context_of,
    operators_of,
    parse_reply,
    raise_error,
)
from devices.requests import hello_request, load_request, run_request
from devices.runner.archive import runner_archive
from devices.runner.telemetry import SILENT
from devices.samples import Arrived, Samples
from nasprof.typing import JsonObject

_ENDINGS = {"onnxruntime": (".onnx",), "litert": (".tflite",)}

_START = """
{silent} {python} runner.pyz < requests.jsonl 2> stderr.txt
r=$?
[ $r = 0 ] || tail -c 1500 stderr.txt
exit $r
"""


class _Replies:
    """Collects the runner's answers as they come.

    Args:
        expected: how many come at most.
        on_reply: told of each that is no error.
    """

    def __init__(self, expected: int, on_reply: Callable[[JsonObject], None] | None = None) -> None:
        self._expected = expected
        self.by_kind: dict[str, JsonObject] = {}
        self.loaded: dict[str, JsonObject] = {}
        self.error: JsonObject | None = None
        self.words: list[str] = []
        self._on_reply = on_reply

    def line(self, line: str) -> bool:
        """Take in a line; True if it is an answer."""
        reply = parse_reply(line)
        if reply is None:
            self.words = [*self.words[-19:], clean(line, 500)] if line.strip() else self.words
            return False
        self._expected -= 1
        if self._expected < 0:
            raise RunnerCrashed("the runner answers more than it was asked", clean(line))
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

    _hello: Mapping[str, object] = {}
    _tensors: Mapping[str, JsonObject] = {}
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
        self._hello = checked_hello(replies.by_kind["hello"], self._hello_request())
        self._tensors = {}

    def try_models(self, names: Sequence[str]) -> None:
        requests = [
            {**self._load_request(name), "try": self.details(name).foreign} for name in names
        ]
        replies = self._ask(requests, self.options.timeout_s)
        loaded = {name: checked_load(replies.loaded.get(name, {}), name) for name in names}
        self._tensors = {**self._tensors, **loaded}

    def measure(self, order: Sequence[str], warmup: int, runs: int, arrived: Arrived) -> None:
        visits = RoundReplies(order, runs)

        def keep(reply: JsonObject) -> None:
            if reply["ok"] == "samples":
                arrived(*visits.visit(reply))

        requests = [self._load_request(name) for name in dict.fromkeys(order)]
        requests.append({"op": "round", "order": list(order), "warmup": warmup, "runs": runs})
        replies = self._ask(requests, self.options.timeout_s, keep, len(order))
        visits.check()
        self._round_context = context_of(replies.by_kind["round"])

    def operator_times(self, name: str, warmup: int, runs: int) -> dict[str, float]:
        request = {"op": "profile", "name": name, "warmup": warmup, "runs": runs}
        replies = self._ask([self._load_request(name), request], self.options.timeout_s)
        return operators_of(replies.by_kind["profile"], name)

    def judge(self, collected: Mapping[str, Samples]) -> None:
        for samples in collected.values():
            mark_contention(samples, self.settings.threads, dict(self._round_context))

    def _ask(
        self,
        requests: Sequence[Mapping[str, object]],
        timeout_s: float,
        on_reply: Callable[[JsonObject], None] | None = None,
        visits: int = 0,
    ) -> _Replies:
        requests_made = [self._hello_request(), *requests]
        self.push_bytes(
            "".join(json.dumps(request) + "\n" for request in requests_made).encode(),
            "requests.jsonl",
        )
        replies = _Replies(len(requests_made) + visits, on_reply)
        silent = " ".join(f"{name}={value}" for name, value in SILENT.items())
        script = _START.format(silent=silent, python=quote(*self.options.python.split()))
        ended = self.workspace.run(script, timeout_s, replies.line)
        _check(replies, ended.exit_code, {str(request["op"]) for request in requests_made})
        return replies

    def _hello_request(self) -> JsonObject:
        options = self.options.runtime_options | dict(self.settings.options)
        return hello_request(self.settings, self.affinity, options)

    def _load_request(self, name: str) -> JsonObject:
        return load_request(name, self.remote(name), self.details(name), self.input_files(name))

    def tensors(self, name: str) -> JsonObject:
        return self._tensors[name]

    def outputs(self, name: str, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return self._outputs(name, inputs, many=False)

    def sample_outputs(self, name: str, samples: Mapping[str, Tensor]) -> dict[str, Tensor]:
        outputs = self._outputs(name, samples, many=True)
        return checked_outputs(outputs, self._tensors[name], samples)

    def _outputs(self, name: str, arrays: Mapping[str, Tensor], *, many: bool) -> dict[str, Tensor]:
        self.make_ready()
        self.push_bytes(write_arrays(arrays), "in.npz")
        source, target = self.workspace.path("in.npz"), self.workspace.path("out.npz")
        requests = [self._load_request(name), run_request(name, source, target, many)]
        self._ask(requests, self.options.timeout_s)
        return read_arrays(self.workspace.connection.pull(target))

    def provenance(self) -> JsonObject:
        facts = {key: value for key, value in self._hello.items() if key not in ("ok", "pid")}
        return {"runner": "json", **facts, "push_verified_by": sorted(self.verified)}


def _check(replies: _Replies, exit_code: int, expected: set[str]) -> None:
    words = " | ".join(replies.words[-5:])
    if replies.error is not None:
        raise_error(replies.error, clean(str(replies.error["error"])), words or None)
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
    missing = sorted(expected - replies.by_kind.keys())
    if missing:
        raise RunnerCrashed(
            f"the runner did not answer to {', '.join(missing)}", f"Its last words: {words}"
        )
