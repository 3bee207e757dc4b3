"""A session with the runner on this machine: a subprocess that is asked over pipes."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from devices import host
from devices.arrays import read_arrays
from devices.cgroup import cpu_quota
from devices.contention import mark_contention
from devices.errors import DeviceError, DeviceTimeout, RunnerCrashed
from devices.foreign import clean
from devices.replies import (
    MAX_REPLY,
    Round,
    checked_hello,
    checked_load,
    context_of,
    operators_of,
    parse_reply,
    raise_error,
)
from devices.requests import hello_request, load_request
from devices.runner import END_WITH_PARENT
from devices.runner.telemetry import SILENT
from devices.samples import THROTTLED, Arrived, Samples, take_in
from devices.session import Session
from devices.settings import NO_DETAILS, ModelDetails, RunSettings
from nasprof.arrays import MAX_BYTES
from nasprof.reading import read_bytes
from nasprof.temporary import TemporaryFolder

DEFAULT_TIMEOUT_S = 300.0
_DROPPED = ("OMP_", "GOMP_", "KMP_", "MKL_", "OPENBLAS_", "ORT_", "TF_", "TORCH_", "PYTHON")
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_CLOSING_S = 1.0


class LocalSession(Session):
    """Runs and times models in a process of its own, so that a crash there is an error here.

    Args:
        settings: runtime, threads, affinity (as it shall be set) and options.
        timeout_s: limit for one answer: the loading of a model, or all its runs of a round.

    Raises:
        RunnerRefused: the runtime is missing or cannot do what the settings ask for.
    """

    def __init__(self, settings: RunSettings, timeout_s: float = DEFAULT_TIMEOUT_S) -> None:
        self.settings = settings
        self.timeout_s = timeout_s
        self._buffer = b""
        self._models: dict[str, dict[str, Any]] = {}
        self._folder = TemporaryFolder()
        self._log = self._folder.path / "stderr"
        self._process = self._start()
        try:
            hello = hello_request(settings, settings.affinity, settings.options)
            self._hello = checked_hello(self._ask(hello), hello)
        except BaseException:
            self.close()
            raise

    def _start(self) -> subprocess.Popen[bytes]:
        with self._log.open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-P", "-m", "devices.runner", END_WITH_PARENT],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=_environment(self.settings.threads, self._folder.path),
                # A Ctrl-C at the terminal reaches only this process, which then ends the other.
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The runner's process id."""
        return self._process.pid

    def load(
        self,
        models: Mapping[str, Path],
        details: Mapping[str, ModelDetails] = MappingProxyType({}),
    ) -> None:
        for name, path in models.items():
            known = details.get(name, NO_DETAILS)
            files = {name: str(file.absolute()) for name, file in known.files.items()}
            request = load_request(name, str(self._as_text(path.absolute())), known, files)
            try:
                reply = self._ask({**request, "try": known.foreign})
                self._models[name] = checked_load(reply, name)
            except DeviceError as error:
                error.model = name
                raise

    def _as_text(self, path: Path) -> Path:
        """A path to the same file that is text: runtimes read no others."""
        try:
            str(path).encode()
        except UnicodeEncodeError:
            link = self._folder.path / f"model{len(self._models)}"
            link.symlink_to(path)
            return link
        return path

    def run_round(
        self, order: Sequence[str], warmup: int, runs: int, arrived: Arrived | None = None
    ) -> dict[str, Samples]:
        self.partial = taken = dict[str, Samples]()
        request = {"op": "round", "order": list(order), "warmup": warmup, "runs": runs}
        heat, stops = host.throttle_count(), _stops()
        visits = Round(order, runs)
        try:
            self._send(request)
            while (reply := self._reply("round"))["ok"] == "samples":
                name, samples = visits.visit(reply)
                take_in(taken, name, samples)
                if arrived is not None:
                    arrived(name, samples)
            visits.check()
            round_context = context_of(reply)
        except DeviceError as error:
            error.partial = taken
            raise
        slowed = host.throttled(heat, host.throttle_count())
        allowance = self._allowance(stops)
        for samples in taken.values():
            mark_contention(samples, self.settings.threads, round_context, allowance)
            if slowed:
                samples.flags.append(THROTTLED)
        self.partial = {}
        return taken

    def _allowance(self, stops: int) -> str | None:
        """What keeps the runner from the CPU time its threads could use; None if nothing does.

        Args:
            stops: how often its quota had stopped it before.
        """
        cpus = len(self._hello["affinity"] or host.available_cpus())
        if self.settings.threads > cpus:
            return f"{self.settings.threads} threads share {cpus} CPUs: no more may be used"
        quota = cpu_quota()
        if quota is not None and quota.stops > stops:
            periods = quota.stops - stops
            return f"a CPU quota of {quota.cores:g} cores stopped it in {periods} periods"
        return None

    def outputs(self, name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        import numpy as np

        source, target = (self._folder.path / file for file in ("in.npz", "out.npz"))
        arrays: dict[str, Any] = dict(inputs)
        np.savez(source, **arrays)
        self._ask({"op": "run", "name": name, "inputs": str(source), "outputs": str(target)})
        return read_arrays(read_bytes(target, MAX_BYTES))

    def profile(self, name: str, warmup: int, runs: int) -> dict[str, float]:
        request = {"op": "profile", "name": name, "warmup": warmup, "runs": runs}
        return operators_of(self._ask(request), name)

    def tensors(self, name: str) -> dict[str, Any]:
        return self._models[name]

    def provenance(self) -> dict[str, Any]:
        return {key: value for key, value in self._hello.items() if key not in ("ok", "pid")}

    def state(self) -> dict[str, Any]:
        return host.state(self._hello["affinity"] or host.available_cpus())

    def close(self) -> None:
        if self.ended is None:
            self.ended = DeviceError("this session has ended", "Open another one.")
        process = self._process
        if process.stdin is not None and not process.stdin.closed:
            with contextlib.suppress(OSError):
                process.stdin.close()
        try:
            process.wait(_CLOSING_S)
        except subprocess.TimeoutExpired:
            self._kill()
        if process.stdout is not None:
            process.stdout.close()
        self._folder.cleanup()

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self._send(request)
        return self._reply(request["op"])

    def _send(self, request: Mapping[str, Any]) -> None:
        if self.ended is not None:
            raise self.ended
        assert self._process.stdin is not None
        # A runner that has died is noticed, and told about, where its answer is read.
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()

    def _reply(self, doing: str) -> dict[str, Any]:
        line = self._line(doing).decode("utf-8", "replace")
        reply = parse_reply(line)
        if reply is None or reply.get("ok", doing) not in (doing, _ON_THE_WAY.get(doing)):
            raise RunnerCrashed(
                f"the runner cannot {_WORDS[doing]}: it answers {clean(line)!r}",
                self._last_words(),
            )
        if "error" in reply:
            failed = reply.get("kind") == "failed"
            raise_error(reply, _WORDS[doing], self._last_words() if failed else None)
        return reply

    def _line(self, doing: str) -> bytes:
        """The next line the runner writes, waiting no longer than the limit."""
        assert self._process.stdout is not None
        deadline = time.monotonic() + self.timeout_s
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._buffer:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    self._time_out(doing)
                chunk = os.read(self._process.stdout.fileno(), 1 << 16)
                if not chunk:
                    self._crashed(doing)
                self._buffer += chunk
                if len(self._buffer) > MAX_REPLY:
                    self._too_long(doing)
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def _time_out(self, doing: str) -> None:
        self._kill()
        self.ended = DeviceTimeout(
            f"the runner took more than {self.timeout_s:g} s to {_WORDS[doing]} and was ended",
            "Set a higher timeout_s in the device's profile if the model really takes that long.",
        )
        raise self.ended

    def _too_long(self, doing: str) -> None:
        self._kill()
        self.ended = RunnerCrashed(
            f"the runner's answer to {_WORDS[doing]} is longer than {MAX_REPLY >> 20} MB",
            "Ask for fewer runs at once.",
        )
        raise self.ended

    def _crashed(self, doing: str) -> None:
        code = self._process.wait()
        how = f"signal {-code} ({signal.Signals(-code).name})" if code < 0 else f"status {code}"
        self.ended = RunnerCrashed(
            f"the runner ended with {how} while it was to {_WORDS[doing]}", self._last_words()
        )
        raise self.ended

    def _last_words(self) -> str | None:
        text = self._log.read_text(encoding="utf-8", errors="replace").strip()
        return f"Its last words: {text[-1000:]}" if text else None


_WORDS = {
    "hello": "start the runtime",
    "load": "load a model",
    "round": "run a round",
    "run": "compute outputs",
    "profile": "profile operators",
}


_ON_THE_WAY = {"round": "samples"}


def _stops() -> int:
    """How often a quota has stopped this process and those beside it."""
    quota = cpu_quota()
    return 0 if quota is None else quota.stops


def _environment(threads: int, folder: Path) -> dict[str, str]:
    """This process's variables without those that change what a runtime does.

    Args:
        folder: where the runner has its temporary files, as it may be killed.
    """
    kept = {key: value for key, value in os.environ.items() if not key.startswith(_DROPPED)}
    kept.update(dict.fromkeys(_THREADS, str(threads)))
    kept.update(SILENT)
    kept.update(dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder)))
    # Third-party adapters are found where this process would find them.
    kept["PYTHONPATH"] = os.pathsep.join(str(Path(path).absolute()) for path in sys.path if path)
    # nvidia-smi numbers GPUs in this order, CUDA by default in another.
    kept["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
    return kept
