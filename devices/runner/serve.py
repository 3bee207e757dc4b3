"""The protocol: one request a line, answered on what stdout was at the start."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from .adapters import get_adapter
from .annotations import JsonObject
from .batches import compute_samples
from .inputs import Inputs
from .models import Adapter, Model, Refused
from .telemetry import silence
from .timing import take_samples
from .usage import Recent, Window

Request = Any


class ProtocolError(Exception):
    """A request that makes no sense."""


class ModelFailed(Exception):
    """The runtime failed while it ran a model."""

    def __init__(self, name: str, error: Exception, unused: Sequence[str]) -> None:
        lacking = f" (it has no input or open size called {unused[0]!r})" if unused else ""
        super().__init__(f"{type(error).__name__}: {str(error) or repr(error)}{lacking}")
        self.name = name


class Server:
    """Answers requests one by one.

    Args:
        replies: where answers are written.
    """

    def __init__(self, replies: IO[str]) -> None:
        self._replies = replies
        self._adapter: Adapter | None = None
        self._models: dict[str, Model] = {}
        self._inputs: dict[str, list[JsonObject]] = {}
        self._threads = 1
        self._recent = Recent()
        self._operations: dict[str, Callable[[Request], JsonObject]] = {
            "hello": self._hello,
            "load": self._load,
            "round": self._round,
            "run": self._run,
            "profile": self._profile,
        }

    def answer(self, line: str) -> None:
        """Do what one line asks for; whatever goes wrong is the answer."""
        operation = "request"
        about: JsonObject = {}
        try:
            request = _parse(line)
            operation = _field(request, "op", str)
            if operation not in self._operations:
                raise ProtocolError(f"unknown op {operation!r}")
            if operation == "load":
                about = {"model": str(request.get("name"))}
            self._reply({"ok": operation, **self._operations[operation](request)})
        except ProtocolError as error:
            self._fail(operation, "protocol", error, about)
        except Refused as error:
            self._fail(operation, "refused", error, about)
        except ModelFailed as error:
            self._fail(operation, "failed", error, {"model": error.name})
        except Exception as error:
            self._fail(operation, "failed", error, about)

    def _reply(self, message: JsonObject) -> None:
        self._replies.write(json.dumps(message, allow_nan=False) + "\n")
        self._replies.flush()

    def _fail(self, operation: str, kind: str, error: Exception, about: JsonObject) -> None:
        text = str(error) or repr(error)
        if kind == "failed" and not isinstance(error, ModelFailed):
            text = f"{type(error).__name__}: {text}"
        if about:
            about["inputs"] = self._inputs.get(about["model"], [])
        self._reply({"error": operation, "kind": kind, "message": text, **about})

    def _hello(self, request: Request) -> JsonObject:
        if self._adapter is not None:
            raise ProtocolError("hello was said before")
        runtime = _field(request, "runtime", str)
        self._threads = _field(request, "threads", int)
        if self._threads < 1:
            raise ProtocolError(f"threads is {self._threads}, expected at least 1")
        # Affinity and variables first: threads that the runtime starts inherit the former, and
        # thread pools read the latter when they are made.
        _stay_on(request.get("affinity"))
        for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            os.environ[variable] = str(self._threads)
        named = str(request.get("adapter") or runtime)
        adapter = get_adapter(named)(self._threads, request.get("options") or {})
        self._adapter = adapter
        return {
            "runtime": runtime,
            "runtime_version": adapter.version,
            "threads": self._threads,
            "affinity": affinity(),
            "python": platform.python_version(),
            "pid": os.getpid(),
            "wall_resolution_ns": round(time.get_clock_info("perf_counter").resolution * 1e9),
            "cpu_clock": "thread" if self._threads == 1 else "process",
            "facts": adapter.facts,
        }

    def _load(self, request: Request) -> JsonObject:
        if self._adapter is None:
            raise ProtocolError("say hello first")
        name, path = _field(request, "name", str), _field(request, "path", str)
        if not Path(path).is_file():
            raise Refused(f"model file {path} does not exist")
        inputs = Inputs(_field(request, "seed", int), request.get("details"))
        start = time.perf_counter()
        try:
            model = self._adapter.load(path, inputs)
        finally:
            # Told also of a model that cannot be made ready for them.
            self._inputs[name] = inputs.described
        load_ms = 1e3 * (time.perf_counter() - start)
        self._inputs[name] = inputs.described or [tensor.to_dict() for tensor in model.inputs]
        if request.get("try"):
            # A model that cannot run with these inputs is found here, not amid a round of others.
            with _named(name, inputs.unused):
                model.run()
        self._models[name] = model
        several = {"signature": inputs.signature, "signatures": inputs.signatures}
        return {
            "name": name,
            "load_ms": load_ms,
            "inputs": self._inputs[name],
            "outputs": [tensor.to_dict() for tensor in model.outputs],
            "unused": inputs.unused,
            **(several if inputs.signatures else {}),
        }

    def _round(self, request: Request) -> JsonObject:
        order = _field(request, "order", list)
        warmup, runs = _field(request, "warmup", int), _field(request, "runs", int)
        models = [(name, self._model(name)) for name in order]
        clock = time.thread_time_ns if self._threads == 1 else time.process_time_ns
        window = Window()
        for name, model in models:
            with _named(name):
                samples = take_samples(model, warmup, runs, clock)
            if self._adapter is not None and not self._adapter.on_host:
                samples["cpu_ms"] = None
            self._reply({"ok": "samples", "name": name, **samples})
        return {"context": self._recent.close(window).to_dict()}

    def _run(self, request: Request) -> JsonObject:
        import numpy as np

        name = _field(request, "name", str)
        model = self._model(name)
        with np.load(_field(request, "inputs", str), allow_pickle=False) as archive:
            inputs = dict(archive)
        if request.get("many"):
            shapes = {tensor["name"]: tensor["shape"] for tensor in self._inputs[name]}
            outputs = compute_samples(model, shapes, inputs)
        else:
            outputs = model.compute(inputs)
        arrays: JsonObject = dict(outputs)
        np.savez(_field(request, "outputs", str), **arrays)
        return {"name": name}

    def _profile(self, request: Request) -> JsonObject:
        name = _field(request, "name", str)
        warmup, runs = _field(request, "warmup", int), _field(request, "runs", int)
        if runs < 1:
            raise ProtocolError(f"runs is {runs}, expected at least 1")
        profile = getattr(self._model(name), "profile", None)
        if profile is None:
            raise Refused("this runtime's adapter gives no operator profiles")
        # In a list, so that the order is part of the answer.
        return {"name": name, "times_ms": list(profile(warmup, runs).items())}

    def _model(self, name: str) -> Model:
        if name not in self._models:
            raise ProtocolError(f"no model {name!r} is loaded")
        return self._models[name]


@contextlib.contextmanager
def _named(name: str, unused: Sequence[str] = ()) -> Iterator[None]:
    """Say which model it was that failed, and what was said of it in vain."""
    try:
        yield
    except Refused:
        raise
    except Exception as error:
        raise ModelFailed(name, error, unused) from error


def _parse(line: str) -> Request:
    try:
        request = json.loads(line)
    except ValueError as error:
        raise ProtocolError(f"a request is not JSON: {error}") from error
    if not isinstance(request, dict):
        raise ProtocolError("a request is not a JSON object")
    return request


def _field(request: Request, name: str, kind: type) -> Any:
    value = request.get(name)
    if type(value) is not kind:
        raise ProtocolError(f"field {name!r} is {value!r}, expected {kind.__name__}")
    return value


def affinity() -> list[int] | None:
    """CPUs this process may run on, None where the system cannot tell."""
    if not hasattr(os, "sched_getaffinity"):
        return None
    return sorted(os.sched_getaffinity(0))


def _stay_on(cpus: Any) -> None:
    if cpus is None:
        return
    if not hasattr(os, "sched_setaffinity"):
        raise Refused("this system cannot bind a process to CPUs")
    available = affinity()
    try:
        os.sched_setaffinity(0, cpus)
    except (OSError, TypeError, ValueError, OverflowError) as error:
        raise Refused(f"affinity {cpus} cannot be set (available: {available}): {error}") from error
    # The kernel silently drops CPUs that it does not have.
    if affinity() != sorted(set(cpus)):
        raise Refused(f"affinity {cpus} was set as {affinity()} (available: {available})")


def main() -> None:
    """Serve requests from stdin until it ends."""
    sys.dont_write_bytecode = True
    silence()
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    server = Server(replies)
    for line in sys.stdin:
        if line.strip():
            server.answer(line)
