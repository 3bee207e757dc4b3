"""The runner as a process of this machine: started, asked line by line, and ended."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from devices.errors import DeviceError, DeviceTimeout, RunnerCrashed
from devices.foreign import clean
from devices.replies import MAX_REPLY, parse_reply, raise_error
from devices.runner import END_WITH_PARENT
from devices.runner.telemetry import SILENT
from nasprof.typing import JsonObject

_DROPPED = ("OMP_", "GOMP_", "KMP_", "MKL_", "OPENBLAS_", "ORT_", "TF_", "TORCH_", "PYTHON")
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_CLOSING_S = 1.0


class RunnerProcess:
    """A runner that answers requests, in a process of its own.

    Args:
        threads: that libraries may use which ask the environment.
        folder: where it has its files; it stays when the process has ended.
        timeout_s: limit for one answer.
    """

    ended: DeviceError | None = None
    """What ended it for good; None as long as it can be asked."""

    def __init__(self, threads: int, folder: Path, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self._buffer = b""
        self._log = folder / "stderr"
        self._process = _started(self._log, _environment(threads, folder))

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def close(self) -> None:
        """End it. May be called twice."""
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

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def ask(self, request: JsonObject) -> JsonObject:
        """The answer to a request.

        Raises:
            DeviceError: it could not be done, or there is no answer.
        """
        self.send(request)
        return self.reply(str(request["op"]))

    def send(self, request: JsonObject) -> None:
        """Make a request that has several answers, which :meth:`reply` gives.

        Raises:
            DeviceError: what ended the runner.
        """
        if self.ended is not None:
            raise self.ended
        assert self._process.stdin is not None
        # A runner that has died is noticed, and told about, where its answer is read.
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()

    def reply(self, doing: str) -> JsonObject:
        """The next answer.

        Args:
            doing: the request that it is to, by its name.

        Raises:
            RunnerRefused, RunnerCrashed: it could not be done.
            DeviceTimeout: there is no answer within the limit; the runner is ended.
        """
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


def _started(log: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    with log.open("wb") as stream:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "devices.runner", END_WITH_PARENT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stream,
            env=environment,
            # A Ctrl-C at the terminal reaches only this process, which then ends the other.
            start_new_session=True,
        )
