"""A fresh folder with a home of its own, and what ran in it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attacks_commands import ROOT, Command

LIMIT_S = 300
"""A command that takes longer hangs."""


@dataclass
class Done:
    """How a process ended; code None where it had to be killed since it hung."""

    code: int | None
    stdout: str
    stderr: str
    seconds: float

    @property
    def traceback(self) -> bool:
        """Whether one of ours was shown; what comes before our first line is the interpreter's."""
        return "Traceback" in self.stderr and str(ROOT) in self.stderr


class Ground:
    """A fresh folder in which a command runs: inputs, output folder, home, temporary folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.inputs, self.out, self.home, self.tmp = (
            folder / name for name in ("in", "out", "home", "tmp")
        )
        for path in (self.inputs, self.out, self.home, self.tmp):
            path.mkdir(parents=True)
        self.settings = {"NASPROF_DATA": str(self.home / "data")}

    def environment(self) -> dict[str, str]:
        """Of the processes: nothing of the user's own folders."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("XDG_", "NASPROF_", "PYTHON"))
        }
        own = {"HOME": str(self.home), "TMPDIR": str(self.tmp), "PYTHONPATH": str(ROOT)}
        xdg = {f"XDG_{name}_HOME": str(self.home / name.lower()) for name in ("DATA", "CONFIG")}
        xdg["XDG_CACHE_HOME"] = str(self.home / "cache")
        return {**kept, **own, **xdg, **self.settings, "PYTHONDONTWRITEBYTECODE": "1"}

    def start(self, line: Sequence[str], **options: Any) -> subprocess.Popen[str]:
        """A process in the folder, in a session of its own."""
        given: dict[str, Any] = {
            "cwd": self.folder,
            "env": self.environment(),
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
        }
        return subprocess.Popen(
            line,
            text=True,
            start_new_session=True,
            **{**given, **options},
        )

    def end(self, process: subprocess.Popen[str], began: float) -> Done:
        """Wait for the end of a process."""
        code: int | None
        try:
            stdout, stderr = process.communicate(timeout=LIMIT_S)
            code = process.returncode
        except subprocess.TimeoutExpired:
            self.kill_all()
            stdout, stderr = process.communicate()
            code = None
        return Done(code, stdout or "", stderr or "", time.monotonic() - began)

    def run(self, line: Sequence[str], **options: Any) -> Done:
        """A process from its beginning to its end."""
        began = time.monotonic()
        return self.end(self.start(line, **options), began)

    def processes(self) -> list[int]:
        """Those that were started here, by the home that all of them have."""
        mark, found = f"HOME={self.home}\0".encode(), []
        for path in Path("/proc").glob("[0-9]*/environ"):
            try:
                if mark in path.read_bytes():
                    found.append(int(path.parent.name))
            except OSError:
                continue
        return found

    def left(self, patience_s: float = 10) -> list[int]:
        """Processes that do not end by themselves."""
        end = time.monotonic() + patience_s
        while (found := self.processes()) and time.monotonic() < end:
            time.sleep(0.05)
        return found

    def kill_all(self) -> None:
        """End what was started here."""
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def beside(self, command: Command, going_on: bool) -> list[str]:
        """What lies in the output folder and is not to."""
        fine = [command.output, *command.others, *(command.going_on if going_on else ())]
        names = [path.relative_to(self.out) for path in self.out.rglob("*") if not path.is_dir()]
        return [str(name) for name in names if not any(name.match(each) for each in fine)]
